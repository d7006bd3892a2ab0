import { firstOfLine } from '#server/domains/identity/keys/key-line.ts'
import { dateArray, int8Array, plainArray } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'

/** An order that ended, or of which a part of the charge was given back. */
export interface GivenBack {
  customer_id: bigint
  key_id: bigint | null
  placed_at: Date
  /** Minor units of SALE_ASSET. */
  released: bigint
  ended: boolean
  /** Whether it ended with nothing delivered. */
  cancelled: boolean
}

// A figure that is wrong is for `saldo verify` to find, and never keeps an order from being settled: hence not below zero.
const GIVE_BACK = statement(`
  with given as (
    select customer_id, count(*) filter (where given.ended) as ended, coalesce(sum(given.released) filter (where given.placed_at >= l.day_began), 0) as released
    from unnest($1::bigint[], $2::timestamptz[], $3::bigint[], $4::boolean[]) as given (customer_id, placed_at, released, ended)
    join orders.customer_limit l using (customer_id)
    where l.in_flight is not null
    group by customer_id
  )
  update orders.customer_limit l set in_flight = greatest(0, l.in_flight - given.ended), spent = greatest(0, l.spent - given.released)
  from given where l.customer_id = given.customer_id`)

const GIVE_BACK_TO_KEYS = statement(`
  with given as (
    select q.key_id, count(*) filter (where given.cancelled) as cancelled, sum(given.released) as released
    from unnest($1::bigint[], $2::timestamptz[], $3::bigint[], $4::boolean[]) as given (key_id, placed_at, released, cancelled)
    join orders.key_quota q on q.key_id = ${firstOfLine('given.key_id')}
    where q.orders is not null and given.placed_at >= q.day_began
    group by q.key_id
  )
  update orders.key_quota q set orders = greatest(0, q.orders - given.cancelled), spent = greatest(0, q.spent - given.released)
  from given where q.key_id = given.key_id`)

/**
 * Gives back to the limits what orders no longer use: their place when they have ended, and of the charge what was released on the day on which they were placed; to the quota of
 * their key that part of the charge too, and of one that was cancelled its place. What is given back on a later day gives that day nothing. When the wallets are locked. Sent, not
 * awaited.
 */
export function giveBack(tx: Tx, given: readonly GivenBack[]): void {
  if (given.length === 0) return
  tx.send(GIVE_BACK, [
    int8Array(given.map((each) => each.customer_id)),
    dateArray(given.map((each) => each.placed_at)),
    int8Array(given.map((each) => each.released)),
    plainArray(given.map((each) => each.ended)),
  ])
  const to_keys = given.filter((each) => each.key_id !== null && (each.released > 0n || each.cancelled))
  if (to_keys.length === 0) return
  tx.send(GIVE_BACK_TO_KEYS, [
    int8Array(to_keys.map((each) => each.key_id)),
    dateArray(to_keys.map((each) => each.placed_at)),
    int8Array(to_keys.map((each) => each.released)),
    plainArray(to_keys.map((each) => each.cancelled)),
  ])
}
