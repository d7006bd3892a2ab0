import type { StatusRow } from '#server/domains/providers/provider.ts'
import type { App } from '#server/platform/app.ts'
import { dateArray, int8Array } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { FINAL_STATES, isSubscription, type Order, orderCan } from '../order.ts'
import type { OrderChange } from '../order-change.ts'
import { changeSubscriptions, type SubscriptionChange } from '../subscriptions/change-subscriptions.ts'
import { decideSubscription } from '../subscriptions/decide-subscription.ts'
import { readSubscriptions } from '../subscriptions/queries.ts'
import { recordPosts } from '../subscriptions/record-posts.ts'
import { lockOrders, writeOrders } from '../write-orders.ts'
import { decideStatus, nextCheckOf } from './decide-status.ts'

/** What a provider said of one order. */
export interface ReadStatus {
  order_id: bigint
  row: StatusRow
}

/**
 * Takes over what providers say of orders. First, apart, the posts of subscriptions: orders that are new to us. Then, in one transaction: states and figures, the settlement of those that ended, and corrections of cost. Orders that are
 * not followed any more are left as they are; of two rows of one order the first counts. Answers how many ended.
 */
export async function recordStatuses(app: App, statuses: readonly ReadStatus[]): Promise<{ settled: number }> {
  const now = app.clock.now()
  const with_posts = statuses.filter(({ row }) => row.ok && row.posts !== undefined && row.posts !== 'unreadable')
  if (with_posts.length > 0) await recordPosts(app, with_posts)
  return app.db.transaction(async (tx) => {
    const orders = await lockOrders(
      tx,
      statuses.map((status) => status.order_id),
    )
    const subscriptions = await readSubscriptions(
      tx,
      [...orders.values()].filter(isSubscription).map(({ id }) => id),
    )
    const changes: OrderChange[] = []
    const unchanged: Order[] = []
    const changed_subscriptions: SubscriptionChange[] = []
    for (const { order_id, row } of statuses) {
      const order = orders.get(order_id)
      if (!order || !orderCan.follow(order)) continue
      orders.delete(order_id)
      const subscription = subscriptions.get(order_id)
      const decided = subscription
        ? decideSubscription(order, subscription, row, now)
        : { order: decideStatus(order, row, now), subscription: undefined }
      if (decided.subscription) changed_subscriptions.push(decided.subscription)
      const change = decided.order
      if (change) changes.push(change)
      else unchanged.push(order)
    }
    await writeOrders(app.db, tx, changes)
    changeSubscriptions(tx, changed_subscriptions, now)
    markChecked(tx, unchanged, now)
    return { settled: changes.filter(hasEnded).length }
  })
}

function hasEnded({ before, after }: OrderChange): boolean {
  return after.state !== undefined && after.state !== before.state && FINAL_STATES.includes(after.state)
}

const touch = statement(`
  update orders.orders o set checked_at = $2, next_check_at = new.next_check_at, failed_checks = 0
  from (select unnest($1::bigint[]) as id, unnest($3::timestamptz[]) as next_check_at) as new
  where o.id = new.id`)

/** Nothing that anyone sees has changed: no version, no history. */
function markChecked(tx: Tx, orders: readonly Order[], now: Date): void {
  if (orders.length === 0) return
  const next = orders.map((order) => nextCheckOf(order, now, 0))
  tx.send(touch, [int8Array(orders.map((order) => order.id)), now, dateArray(next)])
}
