import type { Service } from '#server/domains/catalog/service.ts'
import { recordPlacements } from '#server/domains/orders/dispatching/record-placements.ts'
import { type ReadStatus, recordStatuses } from '#server/domains/orders/following/record-statuses.ts'
import type { Order } from '#server/domains/orders/order.ts'
import { placeOrders } from '#server/domains/orders/placing/place-orders.ts'
import type { PlaceOrder } from '#server/domains/orders/placing/placement.ts'
import { readSubscriptions } from '#server/domains/orders/subscriptions/queries.ts'
import type { Subscription } from '#server/domains/orders/subscriptions/subscription.ts'
import type { ProviderStatus } from '#server/domains/providers/provider.ts'
import { acceptedAs, claim, ended, orderNow, told } from './order-book.ts'
import type { Shop } from './shop.ts'

/** The cheaper one of the services that are subscribed to: from 1 to 50 pieces a post, at 0.1105 each. */
function pictures(shop: Shop): Service {
  const [service] = shop.services
    .filter(({ type }) => type === 'Subscriptions')
    .sort((a, b) => (a.rate < b.rate ? -1 : 1))
  if (!service) throw new Error('the shop sells no subscriptions')
  return service
}

/** What a customer asks for: for each new post of one who is called so, 10 to 20 pieces. */
export function aSubscription(shop: Shop, customer_id: bigint, changes: Partial<PlaceOrder> = {}): PlaceOrder {
  const service_id = pictures(shop).id
  return { customer_id, service_id, link: '', username: 'ada', min: '10', max: '20', delay: '0', ...changes }
}

/** Places a subscription, which its provider takes under this number. */
export async function subscribed(
  shop: Shop,
  customer_id: bigint,
  changes: Partial<PlaceOrder> = {},
  number?: string,
): Promise<Order> {
  const [outcome] = await placeOrders(shop.app, [aSubscription(shop, customer_id, changes)])
  if (!outcome?.ok) throw new Error(outcome?.refusal.message)
  const { claimed } = await claim(shop)
  await recordPlacements(
    shop.app,
    claimed.map((order) => ended(order, acceptedAs(number ?? `s${order.id}`))),
  )
  return orderNow(shop, outcome.order_id)
}

/** A number, or a number with its quantity. */
type Reported = string | { id: string; quantity: bigint }

/** What a provider says of a subscription: how it stands, and which orders its posts are. */
export function reporting(order: Order, posts: readonly Reported[], status: ProviderStatus = 'active'): ReadStatus {
  const rows = posts.map((each) => {
    return typeof each === 'string'
      ? { provider_order_id: each, quantity: undefined }
      : { provider_order_id: each.id, quantity: each.quantity }
  })
  return { order_id: order.id, row: { ...told(status), posts: rows } as ReadStatus['row'] }
}

/** The provider says so. */
export async function report(
  shop: Shop,
  order: Order,
  posts: readonly Reported[],
  status: ProviderStatus = 'active',
  now?: Date,
): Promise<void> {
  const app = now ? { ...shop.app, clock: { ...shop.app.clock, now: () => now } } : shop.app
  await recordStatuses(app, [reporting(order, posts, status)])
}

/** The subscription as it stands in the database. */
export async function subscriptionNow(shop: Shop, id: bigint): Promise<Subscription> {
  const found = (await readSubscriptions(shop.app.db, [id])).get(id)
  if (!found) throw new Error(`no subscription ${id}`)
  return found
}

/** The orders that its posts are, in their order. */
export async function postsOf(shop: Shop, id: bigint): Promise<Order[]> {
  const rows = await shop.app.db.query<{ id: bigint }>(
    'select id from orders.orders where subscription_id = $1 order by post',
    [id],
  )
  return Promise.all(rows.map((row) => orderNow(shop, row.id)))
}
