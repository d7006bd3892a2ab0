import type { z } from 'zod'
import type { Db } from '#server/platform/db/database.ts'
import { findOrder, findOrders } from '../queries.ts'
import { readStandings } from './queries.ts'
import { type subscriptionShape, subscriptionView } from './subscription-views.ts'

type View = z.output<typeof subscriptionShape>

/** The customer's own subscriptions among these ids, in their order. Another's, and what is none, is left out. */
export async function ownSubscriptions(
  db: Pick<Db, 'query'>,
  customer_id: bigint,
  ids: readonly bigint[],
): Promise<View[]> {
  const [orders, standings] = [await findOrders(db, customer_id, ids), await readStandings(db, ids)]
  return ids.flatMap((id) => {
    const [order, standing] = [orders.get(id), standings.get(id)]
    return order && standing ? [subscriptionView(order, standing)] : []
  })
}

/** Any customer's subscription, as they see it; undefined when there is none. */
export async function anySubscription(db: Db, id: bigint): Promise<View | undefined> {
  const order = await findOrder(db, id)
  const standing = (await readStandings(db, [id])).get(id)
  return order && standing ? subscriptionView(order, standing) : undefined
}
