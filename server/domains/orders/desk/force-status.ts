import type { Actor } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import { unreachable } from '#server/kit/invariant.ts'
import type { App } from '#server/platform/app.ts'
import { deliveredPart, FORCED, isSubscription, OPEN_STATES, type Order } from '../order.ts'
import type { OrderChange } from '../order-change.ts'
import { lockOrders, writeOrders } from '../write-orders.ts'
import { staffName } from './resolve-order.ts'

/** How staff say that an order at a provider ended: all is delivered; all but so many; nothing. */
export type ForcedEnd = ({ status: 'completed' } | { status: 'partial'; remains: bigint } | { status: 'cancelled' }) & {
  reason: string
}

export type ForceOutcome =
  | { ok: true }
  | { ok: false; code: 'order_not_found' | 'order_not_at_provider' | 'remains_out_of_range'; message: string }

/**
 * Ends an order that is at a provider by the word of staff, with the same money as by the provider's: completed captures the charge, partial the delivered part, cancelled nothing. It is
 * asked about a while longer: what the provider says moves no more of the customer's money, and staff are told where it contradicts. Of two who end it the second finds it ended.
 */
export async function forceStatus(
  app: Pick<App, 'db' | 'clock'>,
  order_id: bigint,
  end: ForcedEnd,
  actor: Actor,
): Promise<ForceOutcome> {
  return app.db.transaction(async (tx) => {
    const order = (await lockOrders(tx, [order_id])).get(order_id)
    if (!order) return refuse('order_not_found', `There is no order ${order_id}.`)
    if (!OPEN_STATES.includes(order.state))
      return refuse('order_not_at_provider', `Order ${order_id} is ${order.state}.`)
    const captured = capturedBy(order, end)
    if (captured === undefined) {
      return refuse('remains_out_of_range', `Of order ${order_id} between 1 and ${order.quantity - 1n} can remain.`)
    }
    const change = forced(order, end, captured, staffName(actor), app.clock.now())
    await writeOrders(app.db, tx, [change])
    recordActs(tx, [
      {
        action: 'orders.forced',
        actor,
        subject: { kind: 'order', id: order_id },
        before: { state: order.state, provider_status: order.provider_status },
        after: { state: end.status, captured, released: order.charge - captured },
        reason: end.reason,
      },
    ])
    return { ok: true }
  })
}

function capturedBy(order: Order, end: ForcedEnd): bigint | undefined {
  const { charge, quantity } = order
  // Its posts are paid for by themselves.
  if (isSubscription(order)) return 0n
  switch (end.status) {
    case 'completed':
      return charge
    case 'cancelled':
      return 0n
    case 'partial':
      return end.remains < 1n || end.remains >= quantity ? undefined : deliveredPart(charge, quantity, end.remains)
    default:
      return unreachable(end)
  }
}

function forced(order: Order, end: ForcedEnd, captured: bigint, actor: string, now: Date): OrderChange {
  const released = order.charge - captured
  const data = { forced: end.status, why: end.reason, captured: String(captured), released: String(released) }
  return {
    before: order,
    after: {
      state: end.status,
      reason: FORCED,
      detail: end.reason,
      captured,
      released,
      remains: end.status === 'partial' ? end.remains : order.remains,
      // The cost stays as it was booked until the provider says what it took.
      failed_checks: 0,
      next_check_at: now,
    },
    step: { kind: 'settled', actor, data },
  }
}

function refuse(code: Extract<ForceOutcome, { ok: false }>['code'], message: string): ForceOutcome {
  return { ok: false, code, message }
}
