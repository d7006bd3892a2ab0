import type { Strikes } from './faults.ts'
import { idNumber, readIds } from './ids.ts'
import { endOrder } from './orders.ts'
import type { OrderStatus, Panel } from './panel.ts'
import { viewOrder } from './progress.ts'
import { type Json, type Refusal, refuse, TEXT } from './refusals.ts'
import { endPosting } from './subscriptions.ts'

/**
 * `action=cancel`: an array, refusals inside. What is not delivered yet is refunded at once: an untouched order ends
 * Canceled, one under way ends Partial.
 */
export function answerCancel(panel: Panel, list: string, strikes: Strikes, now_ms: number): Json {
  const ids = readIds(list)
  if ('error' in ids) return { ...ids }
  const [only] = ids
  if (ids.length === 1 && only !== undefined && strikes('cancel_object')) {
    const refusal = cancelOrder(panel, only, strikes, now_ms)
    return refusal ? { ...refusal } : { cancel: 123, status: 'Success' }
  }
  const bare_errors = strikes('cancel_row_errors') !== undefined
  const rows = ids.map((id): Json => {
    const refusal = cancelOrder(panel, id, strikes, now_ms)
    const order = idNumber(id)
    if (refusal === undefined) return { order, cancel: 1 }
    return bare_errors ? { order, ...refusal } : { order, cancel: { ...refusal } }
  })
  return strikes('cancel_wrapped') ? { canceled: rows } : rows
}

const OPEN: readonly OrderStatus[] = ['Pending', 'Processing', 'In progress', 'Active', 'Paused']

function cancelOrder(panel: Panel, id: string, strikes: Strikes, now_ms: number): Refusal | undefined {
  const order = panel.orders_by_id.get(id)
  if (order === undefined) return refuse(TEXT.order)
  const view = viewOrder(panel, order, now_ms)
  const open = OPEN.includes(view.status)
  if (!open || !panel.services.get(order.service)?.cancel || strikes('cancel_refused')) return refuse(TEXT.no_cancel)
  if (strikes('cancel_ignored')) return undefined
  if (order.subscription) {
    endPosting(panel, order, 'Canceled', now_ms)
    return undefined
  }
  const status = view.remains === order.quantity ? 'Canceled' : 'Partial'
  endOrder(panel, order, { ...view, status }, now_ms)
  return undefined
}
