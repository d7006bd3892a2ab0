import type { Actor } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import type { App } from '#server/platform/app.ts'
import { type Order, orderCan } from '../order.ts'
import type { OrderChange } from '../order-change.ts'
import { fromTo, movedTo, rerouted } from '../routing/rerouted.ts'
import { openRouter, type Route, type StuckReason, sourceName } from '../routing/router.ts'
import { lockOrders, writeOrders } from '../write-orders.ts'
import { resent, staffName } from './resolve-order.ts'

export type MoveOutcome =
  | { ok: true; moved: boolean }
  | { ok: false; code: 'order_not_found' | 'order_not_movable' | 'source_not_usable'; message: string }

/** From where it would be taken elsewhere at once, or wait for a long time. */
const WHY_NOT: Record<StuckReason, string> = {
  provider_off: 'Its provider is switched off.',
  provider_paused: 'Its provider is paused.',
  quarantined: 'It is in quarantine.',
}

/**
 * Queues a queued or failed order at the source that staff choose: one of its service's, on offer, without a loss and within its limits, that gets orders at this moment. No
 * provider has the order then, so nothing is placed twice. An order that waits there already stays as it is.
 */
export async function moveOrder(app: App, order_id: bigint, source_id: bigint, actor: Actor): Promise<MoveOutcome> {
  const router = await openRouter(app)
  return app.db.transaction(async (tx) => {
    const order = (await lockOrders(tx, [order_id])).get(order_id)
    if (!order) return refuse('order_not_found', `There is no order ${order_id}.`)
    if (!orderCan.move(order)) return refuse('order_not_movable', `Order ${order_id} is ${order.state}.`)
    const way = router.to(order, source_id)
    if (!way) return refuse('source_not_usable', `Service ${source_id} is no source at which it can be bought.`)
    const { route, why } = way
    if (why) return refuse('source_not_usable', `Service ${source_id} gets no orders now. ${WHY_NOT[why]}`)
    if (order.state === 'queued' && sourceName(order) === sourceName(route)) return { ok: true, moved: false }
    const change = movedBy(order, route, staffName(actor), app.clock.now())
    await writeOrders(app.db, tx, [change])
    const [before, after] = [nameOf(order), nameOf(route)]
    recordActs(tx, [{ action: 'orders.moved', actor, subject: { kind: 'order', id: order_id }, before, after }])
    return { ok: true, moved: true }
  })
}

function movedBy(order: Order, route: Route, actor: string, now: Date): OrderChange {
  if (order.state === 'queued') {
    const change = rerouted(order, route, { code: 'staff' })
    return { ...change, step: { kind: 'rerouted', actor, data: { code: 'staff', ...fromTo(order, route) } } }
  }
  const again = resent(order, actor, now)
  return {
    before: order,
    after: { ...again.after, ...movedTo(order, route) },
    step: { kind: 'resubmitted', actor, data: fromTo(order, route) },
  }
}

function nameOf({ provider_id, provider_service_id }: Pick<Order, 'provider_id' | 'provider_service_id'>) {
  return { provider_id: String(provider_id), provider_service_id }
}

function refuse(code: Extract<MoveOutcome, { ok: false }>['code'], message: string): MoveOutcome {
  return { ok: false, code, message }
}
