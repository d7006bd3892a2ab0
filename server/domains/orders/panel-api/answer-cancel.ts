import { cancelOrders } from '../cancelling/cancel-orders.ts'
import { idsOf, readIdList, spelling } from '../id-list.ts'
import type { PanelCall, PanelDeps } from './call.ts'
import { ERRORS, errorBody } from './refusals.ts'

/**
 * `cancel`: an array with a row for each order, be it one or many: 1 where it is cancelled or its end is asked for, the refusal in its place where not. Another customer's
 * order is no order.
 */
export async function answerCancel({ app }: PanelDeps, { principal, texts }: PanelCall): Promise<string> {
  const list = readIdList(texts.orders ?? texts.order ?? texts.order_id ?? '')
  if (list === undefined) return errorBody(ERRORS.too_many_ids)
  if (list.length === 0) return errorBody(ERRORS.order_id)
  const ids = idsOf(list)
  const outcomes = await cancelOrders(app, ids, { customer_id: principal.user_id })
  const byId = new Map(ids.map((id, i) => [id, outcomes[i]]))
  const rows = list.map((each) => {
    const outcome = each.id === undefined ? undefined : byId.get(each.id)
    return `{"order":${spelling(each)},"cancel":${outcome?.ok ? 1 : errorBody(refusalOf(outcome?.code))}}`
  })
  return `[${rows.join()}]`
}

function refusalOf(code: string | undefined): string {
  return code === undefined || code === 'order_not_found' ? ERRORS.order_id : ERRORS.no_cancel
}
