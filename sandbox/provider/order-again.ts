import type { Panel, PanelOrder } from './panel.ts'

/** The order that an earlier request made of which this one is a repetition, as far as the panel knows repetitions. Asked before anything is checked. */
export function orderAgain(
  panel: Panel,
  fields: Readonly<Record<string, string>>,
  now_ms: number,
): PanelOrder | undefined {
  const { request_id: knows_ids, natural_window_ms } = panel.extensions
  const { request_id = '' } = fields
  if (knows_ids && request_id !== '') return panel.orders.findLast((order) => order.fields.request_id === request_id)
  if (natural_window_ms === 0) return undefined
  const same_link = panel.orders_by_link.get((fields.link ?? '').trim()) ?? []
  return same_link.findLast(
    (order) =>
      now_ms - order.created_ms < natural_window_ms &&
      String(order.service) === fields.service &&
      order.fields.quantity === fields.quantity,
  )
}
