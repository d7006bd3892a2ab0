import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import { ORDER_COLUMNS, type Order } from '../order.ts'
import { writeOrders } from '../write-orders.ts'
import { refunded } from './resolve-order.ts'
import { waitHoursMax } from './settings.ts'

/** Orders in one transaction: bounds how long wallets are locked. */
const BATCH_MAX = 200

// Those of services that wait for less time are among those that have waited for the least of all limits. Who works on one of them at this moment saves it or ends its waiting: it is
// left to the next run. What is being sent is never given up under way.
const overdue = statement(`
  select ${ORDER_COLUMNS}, coalesce(own.hours, $2::int) as waited_hours
  from orders.orders o left join orders.wait_limit own using (service_id)
  where o.state in ('queued', 'unknown', 'failed')
    and o.waiting_since <= $1::timestamptz - make_interval(hours => least($2::int, (select min(hours) from orders.wait_limit)))
    and o.waiting_since <= $1::timestamptz - make_interval(hours => coalesce(own.hours, $2::int))
  order by o.waiting_since limit ${BATCH_MAX} for no key update of o skip locked`)

/**
 * Cancels orders that have waited longer than their service's limit, or else `orders.wait_hours_max`, and gives their money back, so that none hides behind `Pending` for ever. One whose
 * fate at the provider is unknown is given up too: the customer does not wait for what we do not know; should it turn out to be placed, its cost is booked as sunk. Answers how
 * many. May run at once with itself.
 */
export async function expireWaitingOrders(app: Pick<App, 'db' | 'clock' | 'settings'>): Promise<number> {
  const hours = app.settings.read(waitHoursMax)
  for (let expired = 0; ; ) {
    const now = app.clock.now()
    const batch = await app.db.transaction(async (tx) => {
      const orders = await tx.query<Order & { waited_hours: number }>(overdue, [now, hours])
      const changes = orders.map(({ waited_hours, ...order }) =>
        refunded(order, 'system', now, { waited_hours, from: order.state }),
      )
      await writeOrders(app.db, tx, changes)
      return orders.length
    })
    expired += batch
    if (batch < BATCH_MAX) return expired
  }
}
