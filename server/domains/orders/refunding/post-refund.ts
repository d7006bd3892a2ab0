import { SALE_SCALE, saleAmount } from '#server/domains/catalog/sale-amount.ts'
import type { App } from '#server/platform/app.ts'
import type { Tx } from '#server/platform/db/database.ts'
import { emit } from '#server/platform/outbox/emit.ts'
import { orderRefunded } from '../events.ts'
import { FINAL_STATES, type Order } from '../order.ts'
import { shownOf } from '../order-views.ts'
import { writeOrders } from '../write-orders.ts'
import { OrderNotEndedError, RefundTooLargeError } from './errors.ts'
import type { Refund } from './refund.ts'

/** What of the order can still go back. Throws OrderNotEndedError. Minor units. */
export function refundableOf(order: Order): bigint {
  if (!FINAL_STATES.includes(order.state)) throw new OrderNotEndedError(order.state)
  return order.captured - order.refunded
}

/**
 * Moves the money of a refund from revenue to the customer's wallet, in the transaction that makes the refund posted, its order locked, and tells of it. Answers the order's version with
 * it. Throws OrderNotEndedError, RefundTooLargeError.
 */
export async function postRefund(
  { db }: Pick<App, 'db'>,
  tx: Tx,
  order: Order,
  refund: Pick<Refund, 'id' | 'amount' | 'reason'>,
  actor: string,
): Promise<bigint> {
  const { id, amount, reason } = refund
  const left = refundableOf(order)
  if (amount > left) throw new RefundTooLargeError(saleAmount(left))
  const after = { refunded: order.refunded + amount }
  const data = { refund: String(id), refunded: String(amount) }
  await writeOrders(db, tx, [{ before: order, after, step: { kind: 'refunded', actor, data } }])
  const version = order.version + 1n
  const { id: order_id, customer_id, asset } = order
  const told = { refund_id: id, order_id, customer_id, version, shown: shownOf({ ...order, ...after }) }
  emit(tx, orderRefunded, [{ ...told, amount, asset, scale: SALE_SCALE, reason }])
  return version
}
