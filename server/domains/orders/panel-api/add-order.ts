import { IdempotencyKeyInvalidError } from '#server/platform/idempotency/errors.ts'
import { idempotencyKeyOf, REPLAYED_HEADER } from '#server/platform/idempotency/idempotency-key.ts'
import { parseServiceId } from '../order-id.ts'
import { placerOf } from '../placing/placer.ts'
import { givenParams } from '../placing/read-params.ts'
import type { PanelCall, PanelDeps } from './call.ts'
import { ERRORS, errorBody, refusalText } from './refusals.ts'

/** `add`: places one order. The answer is its number, or why it was not taken. */
export async function addOrder(deps: PanelDeps, call: PanelCall): Promise<string> {
  const { texts } = call
  const key = requestKeyOf(call)
  if (!key.ok) return errorBody(ERRORS.incorrect_request)
  const outcome = await deps.placeOrder({
    ...givenParams(texts),
    ...placerOf(call.principal),
    service_id: parseServiceId(texts.service ?? ''),
    link: texts.link ?? '',
    quantity: texts.quantity,
    runs: texts.runs,
    interval: texts.interval,
    request_key: key.request_key,
  })
  if (!outcome.ok) return errorBody(refusalText(outcome.refusal))
  if (outcome.replayed) call.reply.header(REPLAYED_HEADER, 'true')
  return `{"order":${outcome.order_id}}`
}

/** The caller's own key. Not ok when there are two for one request: which of them is to hold is not known. */
export function requestKeyOf(call: PanelCall): { ok: true; request_key: string | undefined } | { ok: false } {
  const from_header = headerKeyOf(call)
  const request_key = call.texts.request_id ?? from_header
  return from_header !== undefined && from_header !== request_key ? { ok: false } : { ok: true, request_key }
}

/** The Idempotency-Key header's key. A header that has none gives one that placing refuses, in the form's own words. */
function headerKeyOf({ request }: PanelCall): string | undefined {
  try {
    return idempotencyKeyOf(request.raw)
  } catch (error) {
    if (error instanceof IdempotencyKeyInvalidError) return ''
    throw error
  }
}
