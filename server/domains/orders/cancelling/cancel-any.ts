import type { App } from '#server/platform/app.ts'
import type { Asker } from '../asker.ts'
import { cancelDripFeeds } from '../drip-feed/cancel-drip-feeds.ts'
import { type CancelOutcome, cancelOrders } from './cancel-orders.ts'

/** Cancels orders, and of drip-feeds among the numbers, which are of the same sequence, what has not been sent. Outcome i answers id i; another customer's is none. */
export async function cancelAny(
  app: Pick<App, 'db' | 'clock'>,
  ids: readonly bigint[],
  by: Asker,
): Promise<CancelOutcome[]> {
  const outcomes = await cancelOrders(app, ids, by)
  const others = ids.filter((_, i) => {
    const outcome = outcomes[i]
    return outcome !== undefined && !outcome.ok && outcome.code === 'order_not_found'
  })
  // In transactions of their own, which lock drip-feeds before their runs.
  const feeds = await cancelDripFeeds(app, others, by)
  const byId = new Map(others.map((id, i) => [id, feeds[i]]))
  return ids.map((id, i) => {
    const feed = byId.get(id)
    return feed ? outcomeOf(id, feed.cancelled) : (outcomes[i] as CancelOutcome)
  })
}

/** One with nothing left is refused like an order that has ended. */
function outcomeOf(id: bigint, runs: number): CancelOutcome {
  if (runs > 0) return { ok: true, how: 'cancelled' }
  return { ok: false, code: 'order_ended', message: `Of drip-feed ${id} nothing is left to cancel.` }
}
