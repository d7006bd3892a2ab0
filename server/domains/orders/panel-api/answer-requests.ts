import { idsOf, readIdList, spelling } from '../id-list.ts'
import { parseId } from '../order-id.ts'
import { findOrders } from '../queries.ts'
import type { PanelCall, PanelDeps } from './call.ts'
import { ERRORS, errorBody } from './refusals.ts'

/** `refill`: no order can be refilled here, and each is told so; in a list, in the form of its item. */
export function answerRefill(deps: PanelDeps, call: PanelCall): Promise<string> {
  return refuseForOrders(deps, call, 'refill', ERRORS.no_refill)
}

/** `refill_status`: there are no refills, so no id is one. */
export async function answerRefillStatus(_: PanelDeps, { texts }: PanelCall): Promise<string> {
  if (texts.refills === undefined) return errorBody(ERRORS.refill_id)
  const list = readIdList(texts.refills)
  if (list === undefined) return errorBody(ERRORS.too_many_ids)
  if (list.length === 0) return errorBody(ERRORS.refill_id)
  return `[${list.map((each) => `{"refill":${spelling(each)},"status":${errorBody(ERRORS.refill_id)}}`).join()}]`
}

async function refuseForOrders(
  { app }: PanelDeps,
  { principal, texts }: PanelCall,
  action: 'refill',
  refusal: string,
): Promise<string> {
  if (texts.orders === undefined) {
    const id = parseId((texts.order ?? texts.order_id ?? '').trim())
    const known = id !== undefined && (await findOrders(app.db, principal.user_id, [id])).has(id)
    return errorBody(known ? refusal : ERRORS.order_id)
  }
  const list = readIdList(texts.orders)
  if (list === undefined) return errorBody(ERRORS.too_many_ids)
  if (list.length === 0) return errorBody(ERRORS.order_id)
  const found = await findOrders(app.db, principal.user_id, idsOf(list))
  const rows = list.map((each) => {
    const known = each.id !== undefined && found.has(each.id)
    return `{"order":${spelling(each)},"${action}":${errorBody(known ? refusal : ERRORS.order_id)}}`
  })
  return `[${rows.join()}]`
}
