import type { Answer } from '#server/domains/providers/line.ts'
import { paramsSent, typeRule } from '#server/domains/providers/order-types.ts'
import type { PlaceOutcome, PlaceRequest, UnknownReason } from '#server/domains/providers/provider.ts'
import { chargeOf, type Money } from './figures.ts'
import { fieldsOf, readJson } from './json.ts'
import { givenOrderId } from './order-id.ts'
import { notAnswered, refused, unknown } from './outcomes.ts'
import { refusalOf } from './refusals.ts'

/** The fields of `add` besides the key. A plain panel gets nothing that its own documentation does not name. */
export function placeFields(request: PlaceRequest, sends_request_id: boolean): Record<string, string> {
  return {
    action: 'add',
    service: request.provider_service_id,
    ...(typeRule(request.type).about === undefined && { link: request.link }),
    ...typeFields(request),
    ...(sends_request_id ? { request_id: request.attempt_key } : {}),
  }
}

function typeFields({ type, quantity, params }: PlaceRequest): Record<string, string> {
  const fields = Object.fromEntries(paramsSent(type, params).map((name) => [name, params[name] ?? '']))
  // Where the panel counts lines, a quantity beside them is refused by some.
  return typeRule(type).counted === 'quantity' ? { quantity: quantity.toString(), ...fields } : fields
}

/**
 * How placing ended. Accepted when there is an order's id; rejected when the request did not leave, or by a well-formed refusal below 500 (from 500 on
 * only by a text we know, for a crashing panel may have placed the order before); unknown otherwise.
 */
export function readPlaced(answer: Answer, money: Money): PlaceOutcome {
  if (!answer.answered) return notAnswered(answer)
  const fields = fieldsOf(readJson(answer.body))
  const otherwise: UnknownReason = answer.status >= 500 ? 'server_error' : 'unreadable_answer'
  if (!fields) return unknown(otherwise, `HTTP ${answer.status} without a readable answer`)
  const refusal = refusalOf(fields)
  const given = givenOrderId(fields)
  if (given?.id !== undefined && refusal === undefined) {
    return { outcome: 'accepted', provider_order_id: given.id, charge: chargeOf(fields, money) }
  }
  if (given) return unknown('unreadable_answer', `order ${given.shown}, error ${refusal ?? 'none'}`)
  if (refusal === undefined) return unknown(otherwise, `HTTP ${answer.status} with neither order nor error`)
  return refused(refusal, answer.status)
}
