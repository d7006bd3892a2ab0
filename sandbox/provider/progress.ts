import type { OrderStatus, Pace, Panel, PanelOrder, PanelRefill, PanelSubscription } from './panel.ts'
import { drawUnit, STREAM } from './seeded.ts'

/** Shares of an order's way at which it leaves Pending, and Processing. */
const PENDING_UNTIL = 0.1
const PROCESSING_UNTIL = 0.25

/** Where an order that never ends stops. */
const NEVER_BEYOND = 0.6

/** A cancelled order is cancelled half-way, with nothing delivered. */
const CANCEL_AT = 0.5

/** Start counts lie below this. */
const START_COUNT_MAX = 5_000

interface OrderView {
  status: OrderStatus
  start_count: number
  remains: number
}

/** The order's state at `now_ms`. It moves on with time only; refunds that are due must be settled before. */
export function viewOrder(panel: Panel, order: PanelOrder, now_ms: number): OrderView {
  if (order.final) return order.final
  if (order.subscription) return viewSubscription(order.subscription)
  const progress = progressAt(panel, order, now_ms)
  if (progress < PENDING_UNTIL) return { status: 'Pending', start_count: 0, remains: order.quantity }
  const start_count = startCountOf(panel, order)
  if (progress < PROCESSING_UNTIL) return { status: 'Processing', start_count, remains: order.quantity }
  if (progress >= 1 && order.fate === 'complete') return { status: 'Completed', start_count, remains: 0 }
  const worked = (progress - PROCESSING_UNTIL) / (1 - PROCESSING_UNTIL)
  const delivered = Math.floor(worked * deliverable(panel, order))
  return { status: 'In progress', start_count, remains: order.quantity - delivered }
}

function viewSubscription({ posts, made, paused }: PanelSubscription): OrderView {
  const remains = posts === null ? 0 : Math.max(0, posts - made)
  return { status: paused ? 'Paused' : 'Active', start_count: 0, remains }
}

/** When the order reaches the end that its fate foresees; infinity for one that never ends. */
export function endsAt_ms(panel: Panel, order: PanelOrder): number {
  if (order.fate === 'never') return Number.POSITIVE_INFINITY
  const end = order.fate === 'cancel' ? CANCEL_AT : 1
  return order.progress_ms + Math.max(0, end - order.progress) * durationOf(panel, order)
}

/** How many units the order's fate lets it deliver: all, none, or for a partial one some, but never all. */
export function deliverable(panel: Panel, order: PanelOrder): number {
  if (order.fate === 'cancel') return 0
  if (order.fate !== 'partial') return order.quantity
  const share = drawUnit(panel.seed, STREAM.delivered, order.number)
  return Math.min(order.quantity - 1, 1 + Math.floor(share * (order.quantity - 1)))
}

/** The figure the order starts from, as counters of panels do. */
export function startCountOf(panel: Panel, order: PanelOrder): number {
  return Math.floor(drawUnit(panel.seed, STREAM.start_count, order.number) * START_COUNT_MAX)
}

/** A new pace for all open orders: each keeps what it has done and goes on from there at the new speed. */
export function changePace(panel: Panel, pace: Pace, now_ms: number): void {
  for (const order of panel.orders) {
    if (order.final) continue
    const progress = progressAt(panel, order, now_ms)
    order.progress = progress
    order.progress_ms = now_ms
  }
  panel.pace = pace
  // The next sweep finds the new due times.
  panel.refund_due_ms = panel.refunding.size > 0 ? now_ms : Number.POSITIVE_INFINITY
}

/** A refill goes through the same times as an order. */
export function viewRefill(
  panel: Panel,
  refill: PanelRefill,
  now_ms: number,
): 'Pending' | 'In progress' | 'Completed' | 'Rejected' {
  const luck = drawUnit(panel.seed, STREAM.refill, Number(refill.id))
  const progress = (now_ms - refill.created_ms) / durationUnder(panel.pace, luck)
  if (progress >= 1 || Number.isNaN(progress)) return refill.rejected ? 'Rejected' : 'Completed'
  return progress < PENDING_UNTIL ? 'Pending' : 'In progress'
}

function progressAt(panel: Panel, order: PanelOrder, now_ms: number): number {
  const duration_ms = durationOf(panel, order)
  const moved = duration_ms === 0 ? 1 : Math.max(0, now_ms - order.progress_ms) / duration_ms
  const progress = Math.min(1, order.progress + moved)
  return order.fate === 'never' ? Math.min(NEVER_BEYOND, progress) : progress
}

function durationOf(panel: Panel, order: PanelOrder): number {
  return durationUnder(panel.pace, drawUnit(panel.seed, STREAM.duration, order.number))
}

function durationUnder(pace: Pace, luck: number): number {
  return pace.complete_ms_min + luck * (pace.complete_ms_max - pace.complete_ms_min)
}
