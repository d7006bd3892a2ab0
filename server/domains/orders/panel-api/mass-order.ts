import { isRefusal } from '../placing/check-order.ts'
import { placerOf } from '../placing/placer.ts'
import { type MassLine, readMassOrder } from '../placing/read-mass-order.ts'
import { requestKeyOf } from './add-order.ts'
import type { PanelCall, PanelDeps } from './call.ts'
import { ERRORS, errorBody, refusalText } from './refusals.ts'

/** `mass`: places an order for each line of `orders`. The answer has a row for each, with its line's number and the order's, or why it was not taken. */
export async function massOrder(deps: PanelDeps, call: PanelCall): Promise<string> {
  const key = requestKeyOf(call)
  if (!key.ok) return errorBody(ERRORS.incorrect_request)
  const lines = readMassOrder(call.texts.orders ?? '')
  if (lines === undefined) return errorBody(ERRORS.too_many_lines)
  if (lines.length === 0) return errorBody(ERRORS.incorrect_request)
  // They arrive at the same moment and share a transaction, like the orders of many callers.
  const answers = await Promise.all(lines.map((line) => answerOf(deps, call, line, key.request_key)))
  return `[${answers.join()}]`
}

async function answerOf(
  deps: PanelDeps,
  { principal }: PanelCall,
  { line, asked }: MassLine,
  key: string | undefined,
): Promise<string> {
  const row = (answer: string) => `{"line":${line},${answer.slice(1)}`
  if (isRefusal(asked)) return row(errorBody(refusalText(asked)))
  const outcome = await deps.placeOrder({
    ...asked,
    ...placerOf(principal),
    // The line is part of the key, so that each order has its own.
    request_key: key === undefined ? undefined : `${key}/${line}`,
  })
  return row(outcome.ok ? `{"order":${outcome.order_id}}` : errorBody(refusalText(outcome.refusal)))
}
