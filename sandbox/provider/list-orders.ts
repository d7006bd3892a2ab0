import { showAmount } from './money.ts'
import type { Panel } from './panel.ts'
import { viewOrder } from './progress.ts'
import { type Json, refuse, TEXT } from './refusals.ts'

const PAGE_DEFAULT = 100
const PAGE_MAX = 500

/** `action=orders`: the orders of a span of time, oldest first. `from` and `to` in seconds since 1970; `after` is the last id of the page before. */
export function listOrders(panel: Panel, fields: Readonly<Record<string, string>>, now_ms: number): Json {
  const { service = '', after = '' } = fields
  const from_ms = Number(fields.from ?? 0) * 1_000
  const to_ms = Number(fields.to ?? Number.POSITIVE_INFINITY) * 1_000
  const limit = Math.min(PAGE_MAX, Number(fields.limit ?? PAGE_DEFAULT))
  const start = after === '' ? 0 : panel.orders_by_id.get(after)?.number
  if ([from_ms, to_ms].some(Number.isNaN) || !(limit >= 1) || start === undefined) return { ...refuse(TEXT.action) }
  const found = panel.orders
    .slice(start)
    .filter((order) => order.created_ms >= from_ms && order.created_ms < to_ms)
    .filter((order) => service === '' || String(order.service) === service)
  const page = found.slice(0, limit)
  return {
    orders: page.map((order) => ({
      order: order.id,
      service: String(order.service),
      link: order.link,
      quantity: String(order.quantity),
      charge: showAmount(order.net),
      currency: panel.currency,
      status: viewOrder(panel, order, now_ms).status,
      created: new Date(order.created_ms).toISOString(),
    })),
    next: found.length > page.length ? (page.at(-1)?.id ?? null) : null,
    now: new Date(now_ms).toISOString(),
  }
}
