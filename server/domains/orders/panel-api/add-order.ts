import { parseId } from '../order-id.ts'
import { requestKeyOf } from '../request-key.ts'
import type { PanelCall, PanelDeps } from './call.ts'
import { ERRORS, errorBody, refusalText } from './refusals.ts'

/** No service has this id, so that placing says what it says of any unknown service. */
const NO_SERVICE = 0n

/** `add`: places one order. The answer is its number, or why it was not taken. */
export async function addOrder(deps: PanelDeps, call: PanelCall): Promise<string> {
  const { texts } = call
  const from_header = requestKeyOf(call.header_key)
  const request_key = texts.request_id ?? from_header
  // Two keys for one order: which of them is to hold is not known.
  if (from_header !== undefined && from_header !== request_key) return errorBody(ERRORS.incorrect_request)
  const outcome = await deps.placeOrder({
    customer_id: call.principal.user_id,
    service_id: parseId(texts.service?.trim() ?? '') ?? NO_SERVICE,
    link: texts.link ?? '',
    quantity: texts.quantity,
    comments: texts.comments,
    runs: texts.runs,
    interval: texts.interval,
    request_key,
  })
  return outcome.ok ? `{"order":${outcome.order_id}}` : errorBody(refusalText(outcome.refusal))
}
