import { saleAmount } from '#server/domains/catalog/sale-amount.ts'
import { SALE_ASSET } from '#server/domains/catalog/service.ts'
import type { App } from '#server/platform/app.ts'
import { dateArray, int8Array, plainArray } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import type { OrderRefusal } from '../errors.ts'
import type { Placer } from '../placing/placer.ts'
import { KeyAllowance } from '../quotas/key-allowance.ts'
import {
  asOf,
  type CustomerLimit,
  countedOf,
  dayTimeZone,
  effective,
  LIMIT_COLUMNS,
  type LimitRow,
  type OwnLimits,
} from './customer-limit.ts'
import { dayAround } from './day.ts'

const READ = statement(`select ${LIMIT_COLUMNS} from orders.customer_limit where customer_id = any($1::bigint[])`)

// Once a customer. Another of their orders cannot be placed or end meanwhile, so nothing is missed or counted twice.
const COUNT = statement(`
  insert into orders.customer_limit as l (customer_id, in_flight, spent, day_began, day_ends)
  select customer_id, ${countedOf('wanted.customer_id', '$2')}, $2, $3 from unnest($1::bigint[]) as wanted (customer_id)
  on conflict (customer_id) do update set in_flight = excluded.in_flight, spent = excluded.spent, day_began = excluded.day_began, day_ends = excluded.day_ends
  returning ${LIMIT_COLUMNS}`)

const WRITE = statement(`
  update orders.customer_limit l set in_flight = new.in_flight, spent = new.spent, day_began = new.day_began, day_ends = new.day_ends
  from (select unnest($1::bigint[]) as customer_id, unnest($2::int[]) as in_flight, unnest($3::bigint[]) as spent,
    unnest($4::timestamptz[]) as day_began, unnest($5::timestamptz[]) as day_ends) as new
  where l.customer_id = new.customer_id`)

/**
 * What their limits leave to the customers of one batch, and the quotas of keys to those keys, run down order by order. The rows need no lock of their own: their figures are changed under the lock
 * on the customer's wallet, and `read` and `write` are called when the transaction has it.
 */
export class Allowance {
  readonly #app: Pick<App, 'clock' | 'settings'>
  readonly #limits = new Map<bigint, CustomerLimit & { holds: OwnLimits; taken: number; now: Date }>()
  readonly #keys: KeyAllowance

  constructor(app: Pick<App, 'clock' | 'settings'>) {
    this.#app = app
    this.#keys = new KeyAllowance(app)
  }

  /** Whether no customer of the batch has ever been limited, and no key. */
  get is_empty(): boolean {
    return this.#limits.size === 0 && this.#keys.is_empty
  }

  /** Reads the limits of those who place the orders; for who meets one for the first time, counts what there is. */
  async read(tx: Tx, placers: readonly Placer[]): Promise<void> {
    const keys = new Set(placers.flatMap(({ first_key_id }) => first_key_id ?? []))
    const customers = new Set(placers.map(({ customer_id }) => customer_id))
    // Both are on the wire at once.
    await Promise.all([this.#readCustomers(tx, [...customers]), this.#keys.read(tx, [...keys])])
  }

  async #readCustomers(tx: Tx, customer_ids: readonly bigint[]): Promise<void> {
    const app = this.#app
    const rows = await tx.query<LimitRow>(READ, [int8Array(customer_ids)])
    const known = new Map(rows.map((row) => [row.customer_id, row]))
    const house = effective(app, undefined)
    if (rows.length === 0 && isUnlimited(house)) return
    const now = app.clock.now()
    const time_zone = app.settings.read(dayTimeZone)
    const uncounted = customer_ids.filter((id) => {
      const row = known.get(id)
      return (row?.in_flight ?? null) === null && !isUnlimited(effective(app, row))
    })
    if (uncounted.length > 0) {
      const { began, ends } = dayAround(now, time_zone)
      for (const row of await tx.query<LimitRow>(COUNT, [int8Array(uncounted), began, ends])) {
        known.set(row.customer_id, row)
      }
    }
    for (const row of known.values()) {
      if (row.in_flight === null) continue
      const limit = asOf(row, now, time_zone)
      // Who waited for the wallet while the day ended is of the new one, as those are who overtook them.
      const moment = now > limit.day_began ? now : limit.day_began
      this.#limits.set(row.customer_id, { ...limit, holds: effective(app, row), taken: 0, now: moment })
    }
  }

  /** Takes room for so many orders of this charge each, in minor units of SALE_ASSET; or says why there is none for all of them. */
  take({ customer_id, first_key_id }: Placer, charge_each: bigint, orders: number): OrderRefusal | undefined {
    const limit = this.#limits.get(customer_id)
    const charge = charge_each * BigInt(orders)
    const refusal =
      (limit && refusalOf(limit, limit.holds, charge, orders)) ?? this.#keys.refusalOf(first_key_id, charge, orders)
    if (refusal) return refusal
    this.#keys.take(first_key_id, charge, orders)
    if (!limit) return undefined
    limit.in_flight += orders
    limit.spent += charge
    limit.taken += orders
    return undefined
  }

  /** Counts an order that is under way already, whether there is room for it or not, and that no key placed. Amounts in minor units of SALE_ASSET. */
  count(customer_id: bigint, charge: bigint): void {
    const limit = this.#limits.get(customer_id)
    if (!limit) return
    limit.in_flight += 1
    limit.spent += charge
    limit.taken += 1
  }

  /** When an order counts as placed, so that it stands in the day that it was counted in; undefined for who has neither limits nor quota. */
  momentOf({ customer_id, first_key_id }: Placer): Date | undefined {
    const [limited, of_key] = [this.#limits.get(customer_id)?.now, this.#keys.momentOf(first_key_id)]
    if (!limited || !of_key) return limited ?? of_key
    return limited > of_key ? limited : of_key
  }

  /** Writes what was taken. Sent, not awaited. */
  write(tx: Tx): void {
    this.#keys.write(tx)
    const limits = [...this.#limits.values()].filter((limit) => limit.taken > 0)
    if (limits.length === 0) return
    tx.send(WRITE, [
      int8Array(limits.map((limit) => limit.customer_id)),
      plainArray(limits.map((limit) => limit.in_flight)),
      int8Array(limits.map((limit) => limit.spent)),
      dateArray(limits.map((limit) => limit.day_began)),
      dateArray(limits.map((limit) => limit.day_ends)),
    ])
  }
}

function isUnlimited({ daily_spend_max, in_flight_max }: OwnLimits): boolean {
  return daily_spend_max === null && in_flight_max === null
}

function refusalOf(limit: CustomerLimit, holds: OwnLimits, charge: bigint, orders: number): OrderRefusal | undefined {
  const { daily_spend_max, in_flight_max } = holds
  if (in_flight_max !== null && limit.in_flight + orders > in_flight_max) {
    const left = Math.max(0, in_flight_max - limit.in_flight)
    const message =
      orders === 1
        ? `You have ${limit.in_flight} orders under way and may have ${in_flight_max}. There is room when one has ended.`
        : `You have ${limit.in_flight} orders under way and may have ${in_flight_max}; these are ${orders} more.`
    const allowance = { limit: String(in_flight_max), left: String(left) }
    return { code: 'too_many_orders_in_flight', field: undefined, message, allowance }
  }
  if (daily_spend_max !== null && limit.spent + charge > daily_spend_max) {
    const max = saleAmount(daily_spend_max)
    const left = saleAmount(daily_spend_max > limit.spent ? daily_spend_max - limit.spent : 0n)
    const resets_at = limit.day_ends.toISOString()
    const message = `Of your ${max} ${SALE_ASSET} for today ${left} are left, until ${resets_at}.`
    return { code: 'daily_spend_limit_reached', field: undefined, message, allowance: { limit: max, left, resets_at } }
  }
  return undefined
}
