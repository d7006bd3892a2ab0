import { cancelAny } from '../cancelling/cancel-any.ts'
import type { CancelOutcome } from '../cancelling/cancel-orders.ts'
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
  const outcomes = await cancelAny(app, ids, { customer_id: principal.user_id })
  const byId = new Map<bigint, string | undefined>(ids.map((id, i) => [id, codeOf(outcomes[i])]))
  const rows = list.map((each) => {
    const code = each.id === undefined ? 'order_not_found' : byId.get(each.id)
    return `{"order":${spelling(each)},"cancel":${code === undefined ? 1 : errorBody(refusalOf(code))}}`
  })
  return `[${rows.join()}]`
}

function codeOf(outcome: CancelOutcome | undefined): string | undefined {
  return outcome?.ok ? undefined : outcome?.code
}

function refusalOf(code: string): string {
  return code === 'order_not_found' ? ERRORS.order_id : ERRORS.no_cancel
}
