import type { z } from 'zod'
import type { Db } from '#server/platform/db/database.ts'
import { statusView } from '../order-views.ts'
import { findOrders } from '../queries.ts'
import { feedStatusView, type statusOrFeedShape } from './feed-views.ts'
import { findFeedStandings } from './queries.ts'

/** How the customer's orders and drip-feeds of these ids stand; what is neither is absent. */
export async function readStatuses(
  db: Pick<Db, 'query'>,
  customer_id: bigint,
  ids: readonly bigint[],
): Promise<Map<bigint, z.output<typeof statusOrFeedShape>>> {
  const orders = await findOrders(db, customer_id, ids)
  const others = ids.filter((id) => !orders.has(id))
  const feeds = await findFeedStandings(db, customer_id, others)
  return new Map<bigint, z.output<typeof statusOrFeedShape>>([
    ...[...orders].map(([id, order]) => [id, statusView(order)] as const),
    ...[...feeds].map(([id, feed]) => [id, feedStatusView(feed)] as const),
  ])
}
