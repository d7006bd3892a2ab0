import { saleAmount } from '#server/domains/catalog/sale-amount.ts'
import type { CustomerReads } from '../customer-reads.ts'
import { idsOf, readIdList } from '../id-list.ts'
import { type CustomerOrder, netCharge, visibleRemains, visibleStatus } from '../order.ts'
import { parseId } from '../order-id.ts'
import { findOrders } from '../queries.ts'
import type { PanelCall, PanelDeps } from './call.ts'
import { ERRORS, errorBody } from './refusals.ts'

/** `status`: of one order, or of many as an object keyed by the ids as they were spelled. Another customer's order is no order. */
export async function answerStatus({ app, reads }: PanelDeps, { principal, texts }: PanelCall): Promise<string> {
  if (texts.orders === undefined) return statusOfOne(reads, principal.user_id, texts.order ?? texts.order_id ?? '')
  const list = readIdList(texts.orders)
  if (list === undefined) return errorBody(ERRORS.too_many_ids)
  if (list.length === 0) return errorBody(ERRORS.order_id)
  const found = await findOrders(app.db, principal.user_id, idsOf(list))
  const rows = list.map(({ spelled, id }) => {
    const order = id === undefined ? undefined : found.get(id)
    return `${JSON.stringify(spelled)}:${order ? statusRow(order) : errorBody(ERRORS.order_id)}`
  })
  return `{${rows.join()}}`
}

async function statusOfOne(reads: CustomerReads, customer_id: bigint, spelled: string): Promise<string> {
  const id = parseId(spelled.trim())
  const found = id === undefined ? undefined : await reads.order(customer_id, id)
  return found ? statusRow(found.order) : errorBody(ERRORS.order_id)
}

/** The five fields of the form, all texts. Where no start count is known it is 0: the form has no word for that. */
function statusRow(order: CustomerOrder): string {
  return JSON.stringify({
    charge: saleAmount(netCharge(order)),
    start_count: String(order.start_count ?? 0n),
    status: visibleStatus(order.state),
    remains: String(visibleRemains(order)),
    currency: order.asset,
  })
}
