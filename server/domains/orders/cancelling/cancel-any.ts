import type { App } from '#server/platform/app.ts'
import { cancelDripFeed } from '../drip-feed/cancel-drip-feed.ts'
import { findDripFeeds } from '../drip-feed/queries.ts'
import { type CancelOutcome, cancelOrders } from './cancel-orders.ts'

/** Cancels a customer's orders, and of their drip-feeds among the numbers, which are of the same sequence, what has not been sent. Outcome i answers id i. */
export async function cancelAny(
  app: Pick<App, 'db' | 'clock'>,
  ids: readonly bigint[],
  by: { customer_id: bigint },
): Promise<CancelOutcome[]> {
  const outcomes = await cancelOrders(app, ids, by)
  const others = ids.filter((_, i) => {
    const outcome = outcomes[i]
    return outcome !== undefined && !outcome.ok && outcome.code === 'order_not_found'
  })
  // Each in a transaction of its own, which locks the drip-feed before its runs.
  const feeds = [...(await findDripFeeds(app.db, by.customer_id, others)).keys()]
  const cancelled = await Promise.all(feeds.map((id) => cancelDripFeed(app, id, by)))
  const byId = new Map(feeds.map((id, i) => [id, outcomeOf(id, cancelled[i]?.cancelled ?? 0)]))
  return ids.map((id, i) => byId.get(id) ?? (outcomes[i] as CancelOutcome))
}

/** One with nothing left is refused like an order that has ended. */
function outcomeOf(id: bigint, runs: number): CancelOutcome {
  if (runs > 0) return { ok: true, how: 'cancelled' }
  return { ok: false, code: 'order_ended', message: `Of drip-feed ${id} nothing is left that was not sent.` }
}
