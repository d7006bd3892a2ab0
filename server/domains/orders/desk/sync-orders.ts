import type { App } from '#server/platform/app.ts'
import { int8Array } from '#server/platform/db/arrays.ts'
import { Conditions } from '#server/platform/db/conditions.ts'

/** Orders made due by one call: an hour's work of one worker is more than anyone waits for, and a call must not lock for long. */
export const SYNC_MAX = 10_000

/** What was asked about so lately is not asked again: a desk that presses twice, or a schedule beside ours, costs providers nothing. */
const RECENTLY_MS = 10_000

/** Which orders are to be asked about now: all that are open, those of a provider, or these. */
export interface SyncOrders {
  provider_id?: bigint | undefined
  order_ids?: readonly bigint[] | undefined
}

/**
 * Makes orders due for a check, those first whose check is longest ago; the workers ask within a second, many in one call. Answers how many, and whether
 * there are more than SYNC_MAX. Orders that nobody follows any more are left alone.
 */
export async function syncOrders(
  app: Pick<App, 'db' | 'clock'>,
  { provider_id, order_ids }: SyncOrders,
): Promise<{ due: number; more: boolean }> {
  const now = app.clock.now()
  const where = new Conditions()
  where.add(`next_check_at > ${where.value(now)}`)
  where.add(`checked_at is null or checked_at < ${where.value(new Date(now.getTime() - RECENTLY_MS))}`)
  if (provider_id !== undefined) where.add(`provider_id = ${where.value(provider_id)}`)
  if (order_ids) where.add(`id = any(${where.value(int8Array(order_ids))}::bigint[])`)
  // Who follows one of them at this moment is asking already.
  const taken = await app.db.query<{ id: bigint }>(
    `update orders.orders set next_check_at = ${where.value(now)}
    where id in (
      select id from orders.orders where ${where.sql}
      order by checked_at nulls first limit ${SYNC_MAX} for no key update skip locked
    ) returning id`,
    where.values,
  )
  return { due: taken.length, more: taken.length === SYNC_MAX }
}
