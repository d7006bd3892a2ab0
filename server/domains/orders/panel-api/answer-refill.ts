import { idsOf, type ListedId, readIdList, spelling } from '../id-list.ts'
import { parseId } from '../order-id.ts'
import { findRefills } from '../refilling/queries.ts'
import { type Refill, shownRefill } from '../refilling/refill.ts'
import { type RefillOutcome, refillOrders } from '../refilling/refill-orders.ts'
import type { PanelCall, PanelDeps } from './call.ts'
import { ERRORS, errorBody, refillRefusalText } from './refusals.ts'

/** `refill`: of one order its refill's id, as a text; of many an array with numbers, refusals in their place. Another customer's order is no order. */
export async function answerRefill({ app }: PanelDeps, { principal, texts }: PanelCall): Promise<string> {
  const by = { customer_id: principal.user_id }
  if (texts.orders === undefined) {
    const id = parseId((texts.order ?? texts.order_id ?? '').trim())
    const [outcome] = id === undefined ? [] : await refillOrders(app, [id], by)
    return outcome?.ok ? `{"refill":"${outcome.refill.id}"}` : errorBody(refusalOf(outcome))
  }
  const list = readIdList(texts.orders)
  if (list === undefined) return errorBody(ERRORS.too_many_ids)
  if (list.length === 0) return errorBody(ERRORS.order_id)
  const ids = idsOf(list)
  const outcomes = await refillOrders(app, ids, by)
  const byId = new Map(ids.map((id, i) => [id, outcomes[i]]))
  const rows = list.map((each) => {
    const outcome = each.id === undefined ? undefined : byId.get(each.id)
    return `{"order":${spelling(each)},"refill":${outcome?.ok ? outcome.refill.id : errorBody(refusalOf(outcome))}}`
  })
  return `[${rows.join()}]`
}

function refusalOf(outcome: RefillOutcome | undefined): string {
  return outcome && !outcome.ok ? refillRefusalText(outcome.code) : ERRORS.order_id
}

/** `refill_status`: of one refill, or of many as an array. Another customer's refill is none. */
export async function answerRefillStatus({ app }: PanelDeps, { principal, texts }: PanelCall): Promise<string> {
  const many = texts.refills !== undefined
  const list = readIdList(texts.refills ?? texts.refill ?? '')
  if (list === undefined) return errorBody(ERRORS.too_many_ids)
  const [only] = list
  if (only === undefined) return errorBody(ERRORS.refill_id)
  const found = await findRefills(app.db, principal.user_id, idsOf(list))
  const of = (each: ListedId) => (each.id === undefined ? undefined : found.get(each.id))
  if (!many) {
    const refill = list.length === 1 ? of(only) : undefined
    return refill ? `{"status":${statusOf(refill)}}` : errorBody(ERRORS.refill_id)
  }
  return `[${list.map((each) => `{"refill":${spelling(each)},"status":${statusOf(of(each))}}`).join()}]`
}

function statusOf(refill: Refill | undefined): string {
  return refill ? JSON.stringify(shownRefill(refill.state)) : errorBody(ERRORS.refill_id)
}
