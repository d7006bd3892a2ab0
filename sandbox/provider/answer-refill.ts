import type { Strikes } from './faults.ts'
import { idNumber, readIds } from './ids.ts'
import type { Panel, PanelRefill } from './panel.ts'
import { viewOrder, viewRefill } from './progress.ts'
import { type Json, type Refusal, refuse, TEXT } from './refusals.ts'

/** `action=refill` for one order: its refill's id, as a string. */
export function answerRefill(panel: Panel, id: string, strikes: Strikes, now_ms: number): Json {
  const refill = openRefill(panel, id.trim(), strikes, now_ms)
  if ('error' in refill) return strikes('refill_error_object') ? { refill: { ...refill } } : { ...refill }
  if (strikes('refill_success')) return { success: 'Refill request has been sent', refill: Number(refill.id) }
  return { refill: strikes('refill_number') ? Number(refill.id) : refill.id }
}

/** `action=refill` for many: an array with numbers, refusals inside. */
export function answerRefills(panel: Panel, list: string, strikes: Strikes, now_ms: number): Json {
  const ids = readIds(list)
  if ('error' in ids) return { ...ids }
  return ids.map((id): Json => {
    const refill = openRefill(panel, id, strikes, now_ms)
    return { order: idNumber(id), refill: 'error' in refill ? { ...refill } : Number(refill.id) }
  })
}

/** `action=refill_status` for one refill. */
export function answerRefillStatus(panel: Panel, id: string, strikes: Strikes, now_ms: number): Json {
  if (strikes('refill_status_array')) return answerRefillStatuses(panel, id, strikes, now_ms)
  const status = refillStatus(panel, id.trim(), strikes, now_ms)
  return typeof status === 'string' ? { status } : { ...status }
}

/** `action=refill_status` for many: an array, refusals inside. */
export function answerRefillStatuses(panel: Panel, list: string, strikes: Strikes, now_ms: number): Json {
  const ids = readIds(list)
  if ('error' in ids) return { ...ids }
  return ids.map((id): Json => {
    const status = refillStatus(panel, id, strikes, now_ms)
    return { refill: idNumber(id), status: typeof status === 'string' ? status : { ...status } }
  })
}

function openRefill(panel: Panel, order_id: string, strikes: Strikes, now_ms: number): PanelRefill | Refusal {
  const order = panel.orders_by_id.get(order_id)
  if (order === undefined) return refuse(TEXT.order)
  const { status } = viewOrder(panel, order, now_ms)
  const ended = status === 'Completed' || status === 'Partial'
  if (!ended || !panel.services.get(order.service)?.refill || strikes('refill_refused')) return refuse(TEXT.no_refill)
  const open = panel.refills.some((one) => {
    const view = viewRefill(panel, one, now_ms)
    return one.order_id === order_id && (view === 'Pending' || view === 'In progress')
  })
  if (open) return refuse(TEXT.refill_open)
  const refill = {
    id: String(panel.refills.length + 1),
    order_id,
    created_ms: now_ms,
    rejected: strikes('refill_rejected') !== undefined,
  }
  panel.state_file?.append('refill', refill)
  panel.refills.push(refill)
  return refill
}

function refillStatus(panel: Panel, id: string, strikes: Strikes, now_ms: number): string | Refusal {
  const refill = panel.refills[Number(id) - 1]
  if (refill?.id === id && strikes('refill_status_unknown')) return 'Under review'
  return refill && refill.id === id ? viewRefill(panel, refill, now_ms) : refuse(TEXT.refill)
}
