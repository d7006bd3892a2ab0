import { invariant } from '#server/kit/invariant.ts'
import { priceOf } from './money.ts'
import type { Fate, FinalStatus, Panel, PanelOrder, PanelService, PanelSubscription } from './panel.ts'
import { deliverable, endsAt_ms, startCountOf } from './progress.ts'

/** What was asked for, validated. */
export interface OrderRequest {
  service: PanelService
  link: string
  quantity: number
  fields: Readonly<Record<string, string>>
  subscription: PanelSubscription | null
}

/** What the panel makes of it. `rate` in micro-units. */
interface OrderTerms {
  rate: bigint
  fate: Fate
  text_id: boolean
}

/** Takes the order and its charge. Undefined when the balance does not suffice; nothing has changed then. */
export function acceptOrder(
  panel: Panel,
  request: OrderRequest,
  terms: OrderTerms,
  now_ms: number,
): PanelOrder | undefined {
  const { service, subscription } = request
  // A subscription costs what its posts do, each by itself; but who could not pay for one gets none.
  const price = priceOf(service.type, terms.rate, request.quantity)
  if (price > panel.balance) return undefined
  return accept(panel, { ...request, service: service.service, type: service.type, parent: null }, terms, {
    charge: subscription === null ? price : 0n,
    now_ms,
  })
}

/** Takes a post of a subscription as an order of its own, with its charge. Undefined when the balance does not suffice; nothing has changed then. */
export function acceptPost(panel: Panel, parent: PanelOrder, quantity: number, now_ms: number): PanelOrder | undefined {
  const charge = priceOf(parent.type, parent.rate, quantity)
  if (charge > panel.balance) return undefined
  const { service, type, rate, fields } = parent
  const link = `${parent.link}#${(parent.subscription?.listed.length ?? 0) + 1}`
  const accepted = { service, type, link, quantity, fields, subscription: null, parent: parent.id }
  return accept(panel, accepted, { rate, fate: 'complete', text_id: false }, { charge, now_ms })
}

type Accepted = Pick<PanelOrder, 'service' | 'type' | 'link' | 'quantity' | 'fields' | 'subscription' | 'parent'>

function accept(
  panel: Panel,
  { service, type, link, quantity, fields, subscription, parent }: Accepted,
  terms: OrderTerms,
  { charge, now_ms }: { charge: bigint; now_ms: number },
): PanelOrder {
  const number = panel.orders.length + 1
  const order: PanelOrder = {
    number,
    id: terms.text_id ? `ord_${panel.next_order_id.toString(36).padStart(10, '0')}` : String(panel.next_order_id),
    ...{ service, type, link, quantity, subscription, parent },
    rate: terms.rate,
    charge,
    net: charge,
    created_ms: now_ms,
    fate: terms.fate,
    fields,
    progress: 0,
    progress_ms: now_ms,
    final: null,
    polls: 0,
    answer: 'sent',
  }
  // On the file first: what cannot be kept is not accepted.
  panel.state_file?.append('order', order)
  panel.next_order_id += 1
  panel.balance -= charge
  rememberOrder(panel, order)
  return order
}

/** Notes that the order's answer did not reach the customer whole, and why. */
export function markUnanswered(panel: Panel, order: PanelOrder, why: string): void {
  order.answer = why
  panel.state_file?.append('order', order)
}

/** Enters an order into the panel's indexes; money is not touched. */
export function rememberOrder(panel: Panel, order: PanelOrder): void {
  panel.orders.push(order)
  panel.orders_by_id.set(order.id, order)
  const same_link = panel.orders_by_link.get(order.link)
  if (same_link) same_link.push(order)
  else panel.orders_by_link.set(order.link, [order])
  if (order.subscription !== null && order.final === null) panel.posting.add(order)
  if (order.final || order.subscription !== null || (order.fate !== 'partial' && order.fate !== 'cancel')) return
  panel.refunding.add(order)
  panel.refund_due_ms = Math.min(panel.refund_due_ms, endsAt_ms(panel, order))
}

/**
 * Ends the order, or changes its end, and moves the difference between its old and new net charge. False when a higher charge exceeds the
 * balance; nothing has changed then. `remains` is within 0 … quantity.
 */
export function endOrder(
  panel: Panel,
  order: PanelOrder,
  end: { status: FinalStatus; remains: number; start_count?: number | undefined },
  now_ms: number,
): boolean {
  const { status, remains } = end
  invariant(remains >= 0 && remains <= order.quantity, 'endOrder: remains outside the quantity')
  const net = netCharge(order, status, remains)
  const refund = order.net - net
  if (panel.balance + refund < 0n) return false
  const start_count = end.start_count ?? order.final?.start_count ?? startCountOf(panel, order)
  const final = { status, remains, start_count, ended_ms: now_ms }
  panel.state_file?.append('order', { ...order, net, final })
  panel.balance += refund
  order.net = net
  order.final = final
  panel.refunding.delete(order)
  return true
}

/** Notes how an order ended of which no money is left to move. */
export function rememberEnd(panel: Panel, order: PanelOrder, final: NonNullable<PanelOrder['final']>): void {
  panel.state_file?.append('order', { ...order, final })
  order.final = final
}

/** Ends the orders whose fate is a refund and whose time has come. Called before anything is read or charged. */
export function settleDue(panel: Panel, now_ms: number): void {
  if (now_ms < panel.refund_due_ms) return
  let due_ms = Number.POSITIVE_INFINITY
  for (const order of panel.refunding) {
    const ends_ms = endsAt_ms(panel, order)
    if (ends_ms > now_ms) {
      due_ms = Math.min(due_ms, ends_ms)
      continue
    }
    const status = order.fate === 'cancel' ? 'Canceled' : 'Partial'
    endOrder(panel, order, { status, remains: order.quantity - deliverable(panel, order) }, ends_ms)
  }
  panel.refund_due_ms = due_ms
}

function netCharge(order: PanelOrder, status: FinalStatus, remains: number): bigint {
  if (status === 'Completed') return order.charge
  if (status === 'Canceled') return 0n
  return priceOf(order.type, order.rate, order.quantity - remains)
}
