import { saleAmount } from '#server/domains/catalog/sale-amount.ts'
import type { CustomerReads } from '../customer-reads.ts'
import { figuresOf } from '../drip-feed/drip-feed.ts'
import { type FeedStanding, findFeedStandings } from '../drip-feed/queries.ts'
import { idsOf, readIdList } from '../id-list.ts'
import { type CustomerOrder, isSubscription, netCharge, visibleRemains, visibleStatus } from '../order.ts'
import { parseId } from '../order-id.ts'
import { findOrders } from '../queries.ts'
import { readStandings, type SubscriptionStanding } from '../subscriptions/queries.ts'
import { subscriptionStatus } from '../subscriptions/subscription.ts'
import type { PanelCall, PanelDeps } from './call.ts'
import { ERRORS, errorBody } from './refusals.ts'

/** `status`: of one order, or of many as an object keyed by the ids as they were spelled. Another customer's order is no order. */
export async function answerStatus({ app, reads }: PanelDeps, { principal, texts }: PanelCall): Promise<string> {
  if (texts.orders === undefined) return statusOfOne(app, reads, principal.user_id, texts.order ?? texts.order_id ?? '')
  const list = readIdList(texts.orders)
  if (list === undefined) return errorBody(ERRORS.too_many_ids)
  if (list.length === 0) return errorBody(ERRORS.order_id)
  const ids = idsOf(list)
  const found = await findOrders(app.db, principal.user_id, ids)
  const others = ids.filter((id) => !found.has(id))
  const feeds = await findFeedStandings(app.db, principal.user_id, others)
  const standings = await standingsAmong(app.db, [...found.values()])
  const rows = list.map(({ spelled, id }) => {
    const order = id === undefined ? undefined : found.get(id)
    const feed = id === undefined ? undefined : feeds.get(id)
    return `${JSON.stringify(spelled)}:${order ? orderRow(order, standings) : feedRow(feed)}`
  })
  return `{${rows.join()}}`
}

async function statusOfOne(
  { db }: PanelDeps['app'],
  reads: CustomerReads,
  customer_id: bigint,
  spelled: string,
): Promise<string> {
  const id = parseId(spelled.trim())
  const found = id === undefined ? undefined : await reads.order(customer_id, id)
  if (found) return orderRow(found.order, await standingsAmong(db, [found.order]))
  if (id === undefined) return errorBody(ERRORS.order_id)
  return feedRow((await findFeedStandings(db, customer_id, [id])).get(id))
}

function standingsAmong(
  db: PanelDeps['app']['db'],
  orders: readonly CustomerOrder[],
): Promise<Map<bigint, SubscriptionStanding>> {
  return readStandings(
    db,
    orders.filter(isSubscription).map(({ id }) => id),
  )
}

function orderRow(order: CustomerOrder, standings: ReadonlyMap<bigint, SubscriptionStanding>): string {
  const standing = standings.get(order.id)
  return standing ? subscriptionRow(order, standing) : statusRow(order)
}

/** A subscription has the five fields too, of all its posts together, and the orders that they are. */
function subscriptionRow(
  order: CustomerOrder,
  { subscription, orders, charge, remains }: SubscriptionStanding,
): string {
  const fields = JSON.stringify({
    charge: saleAmount(charge),
    start_count: '0',
    status: subscriptionStatus(order, subscription),
    remains: String(remains),
    currency: order.asset,
    posts: orders.length,
  })
  return `${fields.slice(0, -1)},"orders":[${orders.join()}]}`
}

/** The five fields of the form, all texts. Where no start count is known it is 0: the form has no word for that. */
function statusRow(order: CustomerOrder): string {
  return JSON.stringify({
    charge: saleAmount(netCharge(order)),
    start_count: String(order.start_count ?? 0n),
    status: visibleStatus(order.state),
    remains: String(visibleRemains(order)),
    currency: order.asset,
  })
}

/** A drip-feed has the five fields too, of all its runs together, and the orders that they are. */
function feedRow(found: FeedStanding | undefined): string {
  if (!found) return errorBody(ERRORS.order_id)
  const { charge, start_count, status, remains } = figuresOf(found.parts)
  const fields = JSON.stringify({
    charge: saleAmount(charge),
    start_count: String(start_count ?? 0n),
    status,
    remains: String(remains),
    currency: found.parts[0]?.asset,
    runs: found.feed.runs,
  })
  return `${fields.slice(0, -1)},"orders":[${found.orders.join()}]}`
}
