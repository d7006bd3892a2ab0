import type { App } from '#server/platform/app.ts'
import { dateArray, int8Array, plainArray } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import type { OrderRefusal } from '../errors.ts'
import { dayTimeZone } from '../limits/customer-limit.ts'
import { dayAround } from '../limits/day.ts'
import { type KeyQuota, orderedOf, QUOTA_COLUMNS, type QuotaRow, quotaAsOf, refusalOf } from './key-quota.ts'

const READ = statement(`select ${QUOTA_COLUMNS} from orders.key_quota q where q.key_id = any($1::bigint[])`)

// Once a quota. Another order of its owner cannot be placed or end meanwhile, so nothing is missed or counted twice.
const COUNT = statement(`
  update orders.key_quota q set orders = counted.orders, spent = counted.spent, day_began = $2, day_ends = $3
  from orders.key_quota wanted cross join lateral (select ${orderedOf('wanted.customer_id', 'wanted.key_id', '$2')}) as counted
  where wanted.key_id = any($1::bigint[]) and q.key_id = wanted.key_id
  returning ${QUOTA_COLUMNS}`)

const WRITE = statement(`
  update orders.key_quota q set orders = new.orders, spent = new.spent, day_began = new.day_began, day_ends = new.day_ends
  from (select unnest($1::bigint[]) as key_id, unnest($2::int[]) as orders, unnest($3::bigint[]) as spent,
    unnest($4::timestamptz[]) as day_began, unnest($5::timestamptz[]) as day_ends) as new
  where q.key_id = new.key_id`)

/**
 * What their quotas leave to the API keys of one batch, run down order by order. The rows need no lock of their own: their figures are changed under the lock on
 * their owner's wallet, and `read` and `write` are called when the transaction has it.
 */
export class KeyAllowance {
  readonly #app: Pick<App, 'clock' | 'settings'>
  readonly #quotas = new Map<bigint, KeyQuota & { taken: number; now: Date }>()

  constructor(app: Pick<App, 'clock' | 'settings'>) {
    this.#app = app
  }

  /** Whether no key of the batch has a quota. */
  get is_empty(): boolean {
    return this.#quotas.size === 0
  }

  /** Reads the quotas of keys, each the first of its line; for those that meet theirs for the first time, counts what was ordered with them today. */
  async read(tx: Tx, first_key_ids: readonly bigint[]): Promise<void> {
    if (first_key_ids.length === 0) return
    const rows = await tx.query<QuotaRow>(READ, [int8Array(first_key_ids)])
    if (rows.length === 0) return
    const now = this.#app.clock.now()
    const time_zone = this.#app.settings.read(dayTimeZone)
    const uncounted = rows.filter((row) => row.orders === null).map((row) => row.key_id)
    const { began, ends } = dayAround(now, time_zone)
    const counted = uncounted.length > 0 ? await tx.query<KeyQuota>(COUNT, [int8Array(uncounted), began, ends]) : []
    for (const row of [...rows, ...counted]) {
      if (row.orders === null) continue
      const quota = quotaAsOf(row, now, time_zone)
      // Who waited for the wallet while the day ended is of the new one, as those are who overtook them.
      const moment = now > quota.day_began ? now : quota.day_began
      this.#quotas.set(row.key_id, { ...quota, taken: 0, now: moment })
    }
  }

  /** Why a key has no room for so many orders of this charge in all; undefined when it has. */
  refusalOf(first_key_id: bigint | undefined, charge: bigint, orders: number): OrderRefusal | undefined {
    const quota = first_key_id === undefined ? undefined : this.#quotas.get(first_key_id)
    return quota && refusalOf(quota, charge, orders, quota.now)
  }

  /** Takes the room for so many orders of this charge in all. */
  take(first_key_id: bigint | undefined, charge: bigint, orders: number): void {
    const quota = first_key_id === undefined ? undefined : this.#quotas.get(first_key_id)
    if (!quota) return
    quota.orders += orders
    quota.spent += charge
    quota.taken += orders
  }

  /** When an order counts as placed, so that it stands in the day that it was counted in; undefined for keys without a quota. */
  momentOf(first_key_id: bigint | undefined): Date | undefined {
    return first_key_id === undefined ? undefined : this.#quotas.get(first_key_id)?.now
  }

  /** Writes what was taken. Sent, not awaited. */
  write(tx: Tx): void {
    const quotas = [...this.#quotas.values()].filter((quota) => quota.taken > 0)
    if (quotas.length === 0) return
    tx.send(WRITE, [
      int8Array(quotas.map((quota) => quota.key_id)),
      plainArray(quotas.map((quota) => quota.orders)),
      int8Array(quotas.map((quota) => quota.spent)),
      dateArray(quotas.map((quota) => quota.day_began)),
      dateArray(quotas.map((quota) => quota.day_ends)),
    ])
  }
}
