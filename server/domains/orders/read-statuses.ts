import type { z } from 'zod'
import type { Db } from '#server/platform/db/database.ts'
import { feedStatusView } from './drip-feed/feed-views.ts'
import { findFeedStandings } from './drip-feed/queries.ts'
import { type CustomerOrder, isSubscription } from './order.ts'
import { statusView } from './order-views.ts'
import { findOrders } from './queries.ts'
import { readStandings } from './subscriptions/queries.ts'
import { type anyStatusShape, subscriptionStatusView } from './subscriptions/subscription-views.ts'

/** How the customer's orders, subscriptions among them, and drip-feeds of these ids stand; what is none is absent. */
export async function readStatuses(
  db: Pick<Db, 'query'>,
  customer_id: bigint,
  ids: readonly bigint[],
): Promise<Map<bigint, z.output<typeof anyStatusShape>>> {
  const orders = await findOrders(db, customer_id, ids)
  const others = ids.filter((id) => !orders.has(id))
  const feeds = await findFeedStandings(db, customer_id, others)
  const standings = await readStandings(
    db,
    [...orders.values()].filter(isSubscription).map(({ id }) => id),
  )
  const viewOf = (order: CustomerOrder) => {
    const standing = standings.get(order.id)
    return standing ? subscriptionStatusView(order, standing) : statusView(order)
  }
  return new Map<bigint, z.output<typeof anyStatusShape>>([
    ...[...orders].map(([id, order]) => [id, viewOf(order)] as const),
    ...[...feeds].map(([id, feed]) => [id, feedStatusView(feed)] as const),
  ])
}
