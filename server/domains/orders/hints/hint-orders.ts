import { countHookCall } from '#server/domains/providers/hooks/queries.ts'
import type { App } from '#server/platform/app.ts'
import { textArray } from '#server/platform/db/arrays.ts'
import { statement } from '#server/platform/db/database.ts'

/** However often a provider calls, an order is not asked about more often. */
const RECENTLY_MS = 10_000

const known = statement(`
  select count(*)::int as known from orders.orders where provider_id = $1 and provider_order_id = any($2::text[])`)

// Who follows one of them at this moment is asking already. One that was asked about a moment ago is asked again when that is a while ago.
const makeDue = statement(`
  update orders.orders o set next_check_at = due.at
  from (
    select id, greatest($3::timestamptz, checked_at + make_interval(secs => $4::float8 / 1000)) as at from orders.orders
    where provider_id = $1 and provider_order_id = any($2::text[]) and state in ('pending', 'processing', 'in_progress')
    order by id for no key update skip locked
  ) due
  where o.id = due.id and o.next_check_at > due.at
  returning o.id`)

/**
 * Makes the orders that a provider's call names due to be asked about. That is all that it does: no state is taken from it, and called again it changes nothing. Numbers that are none of this provider's
 * orders are passed over and counted. Answers how many became due.
 */
export async function hintOrders(
  { db, clock }: Pick<App, 'db' | 'clock'>,
  provider_id: bigint,
  provider_order_ids: readonly string[],
): Promise<number> {
  const numbers = textArray(provider_order_ids)
  const now = clock.now()
  const [counted] = await db.query<{ known: number }>(known, [provider_id, numbers])
  const due = await db.query(makeDue, [provider_id, numbers, now, RECENTLY_MS])
  const found = counted?.known ?? 0
  await countHookCall(db, { provider_id, known: found, unknown: provider_order_ids.length - found, at: now })
  return due.length
}
