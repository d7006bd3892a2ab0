import { present } from '#server/kit/invariant.ts'
import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import {
  asOf,
  type CustomerLimit,
  countedOf,
  dayTimeZone,
  effective,
  LIMIT_COLUMNS,
  type LimitRow,
} from './customer-limit.ts'
import { dayAround } from './day.ts'

/** A customer's limits and what is used of them. Amounts in minor units of SALE_ASSET; null is without limit. */
export interface LimitsRead {
  daily_spend: { max: bigint | null; own: boolean; spent: bigint; resets_at: Date }
  in_flight: { max: number | null; own: boolean; orders: number }
}

const READ = statement(`select ${LIMIT_COLUMNS} from orders.customer_limit where customer_id = $1`)

const COUNT = statement(`select ${countedOf('$1', '$2')}`)

/** The limits of a customer as they hold now. */
export async function readLimits(
  app: Pick<App, 'db' | 'clock' | 'settings'>,
  customer_id: bigint,
): Promise<LimitsRead> {
  const [row] = await app.db.query<LimitRow>(READ, [customer_id])
  const { spent, in_flight, day_ends } = await used(app, customer_id, row)
  const { daily_spend_max, in_flight_max } = effective(app, row)
  return {
    daily_spend: {
      max: daily_spend_max,
      own: (row?.daily_spend_max ?? null) !== null,
      spent,
      resets_at: day_ends,
    },
    in_flight: { max: in_flight_max, own: (row?.in_flight_max ?? null) !== null, orders: in_flight },
  }
}

/** As their next order would find it; of who has not met a limit yet it is counted anew. */
async function used(
  app: Pick<App, 'db' | 'clock' | 'settings'>,
  customer_id: bigint,
  row: LimitRow | undefined,
): Promise<Pick<CustomerLimit, 'spent' | 'in_flight' | 'day_ends'>> {
  const now = app.clock.now()
  const time_zone = app.settings.read(dayTimeZone)
  if (row && row.in_flight !== null) return asOf(row, now, time_zone)
  const { began, ends } = dayAround(now, time_zone)
  const [counted] = await app.db.query<Pick<CustomerLimit, 'spent' | 'in_flight'>>(COUNT, [customer_id, began])
  return { ...present(counted, 'a count has one row'), day_ends: ends }
}
