import { ApiKeyNotFoundError } from '#server/domains/identity/errors.ts'
import { firstOfLine } from '#server/domains/identity/keys/key-line.ts'
import { present } from '#server/kit/invariant.ts'
import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import { dayTimeZone } from '../limits/customer-limit.ts'
import { dayAround } from '../limits/day.ts'
import { type KeyQuota, orderedOf, QUOTA_COLUMNS, type QuotaMaxima, type QuotaRow, quotaAsOf } from './key-quota.ts'

/** A key's quota and what is used of it today, as its next order would find it. */
export type QuotaRead = QuotaMaxima & Pick<KeyQuota, 'orders' | 'spent' | 'day_ends'>

const FIRST = statement(`
  select ${firstOfLine('k.id')} as first_id from identity.api_key k where k.id = $1 and k.user_id = $2 and k.revoked_at is null`)

const READ = statement(`select ${QUOTA_COLUMNS} from orders.key_quota q where q.key_id = $1`)

const COUNT = statement(`select ${orderedOf('$1', '$2', '$3')}`)

type QuotaApp = Pick<App, 'db' | 'clock' | 'settings'>

/** The quota of a user's key, and of a key without one what was ordered with it today. Throws ApiKeyNotFoundError, for another owner's and a revoked key too. */
export async function readQuota(app: QuotaApp, user_id: bigint, key_id: bigint): Promise<QuotaRead> {
  const [key] = await app.db.query<{ first_id: bigint }>(FIRST, [key_id, user_id])
  if (!key) throw new ApiKeyNotFoundError()
  const quota = await quotaOfLine(app, key.first_id)
  if (quota) return quota
  const maxima = { own_orders_max: null, own_spend_max: null, staff_orders_max: null, staff_spend_max: null }
  return { ...maxima, ...(await counted(app, user_id, key.first_id)) }
}

/** The quota of the line that began with this key; undefined where it has none. */
export async function quotaOfLine(app: QuotaApp, first_key_id: bigint): Promise<QuotaRead | undefined> {
  const [row] = await app.db.query<QuotaRow>(READ, [first_key_id])
  if (!row) return undefined
  if (row.orders !== null) return quotaAsOf(row, app.clock.now(), app.settings.read(dayTimeZone))
  return { ...row, ...(await counted(app, row.customer_id, first_key_id)) }
}

async function counted(app: QuotaApp, customer_id: bigint, first_key_id: bigint) {
  const { began, ends } = dayAround(app.clock.now(), app.settings.read(dayTimeZone))
  const [row] = await app.db.query<Pick<KeyQuota, 'orders' | 'spent'>>(COUNT, [customer_id, first_key_id, began])
  return { ...present(row, 'a count has one row'), day_ends: ends }
}
