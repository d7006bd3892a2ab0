import type { IncomingMessage, ServerResponse } from 'node:http'
import { answerRequest } from './answer-request.ts'
import { replyInstead, replyOddly, replySpoiled } from './api-faults.ts'
import { ACTIONS, type Action, faultsFor, parameterOf } from './faults.ts'
import { markUnanswered, settleDue } from './orders.ts'
import type { Panel, PanelOrder } from './panel.ts'
import { readBody } from './read-body.ts'
import { readFields } from './read-fields.ts'
import { refuse, TEXT } from './refusals.ts'
import { jsonReply, type Reply, sendReply } from './reply.ts'
import { postDue } from './subscriptions.ts'

export const API_PATH = '/api/v2'

/** A thousand comments of a thousand letters fit. */
const BODY_BYTES_MAX = 1_048_576

const BY_NAME: ReadonlyMap<string, Action> = new Map(ACTIONS.map((action) => [action, action]))

interface Outcome {
  reply: Reply
  delay_ms: number
  accepted?: PanelOrder | undefined
}

/** Answers one request of the panels' API. It is carried out at once; a delay holds back the answer alone. */
export async function handleApi(panel: Panel, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await readBody(request, BODY_BYTES_MAX)
  if (body === undefined) {
    response.setHeader('connection', 'close')
    sendReply(response, jsonReply(refuse('Request is too large'), 413))
    return
  }
  const url = request.url ?? ''
  const query_at = url.indexOf('?')
  const path = query_at < 0 ? url : url.slice(0, query_at)
  const query = query_at < 0 ? '' : url.slice(query_at + 1)
  const fields = readFields(query, request.headers['content-type'] ?? '', body)
  if (path.endsWith('/')) count(panel, 'redirect_followed')
  const { reply, delay_ms, accepted } = outcomeOf(panel, fields)
  if (delay_ms === 0) sendReply(response, reply)
  else setTimeout(() => sendLate(panel, response, reply, accepted), delay_ms)
}

function outcomeOf(panel: Panel, fields: Readonly<Record<string, string>>): Outcome {
  const now_ms = panel.now_ms()
  const action = BY_NAME.get(fields.action ?? '')
  panel.request_number += 1
  count(panel, action ?? 'unknown_action')
  settleDue(panel, now_ms)
  postDue(panel, now_ms)
  const strikes = faultsFor(panel, panel.request_number, action)
  const delay = strikes('delay')
  const delay_ms = panel.delay_ms + (delay ? parameterOf('delay', delay) : 0)
  const instead = replyInstead(strikes, API_PATH, panel.key)
  if (instead) return { reply: instead, delay_ms }
  if (fields.key !== panel.key) {
    count(panel, 'wrong_key')
    return { reply: replyOddly(strikes, { ...refuse(TEXT.key) }), delay_ms }
  }
  const { value, accepted } = answerRequest(panel, action, fields, strikes, now_ms)
  const spoiled = replySpoiled(strikes, value)
  if (spoiled === undefined) return { reply: replyOddly(strikes, value), delay_ms, accepted }
  if (accepted) markUnanswered(panel, accepted, spoiled.name)
  return { reply: spoiled.reply, delay_ms, accepted }
}

function sendLate(panel: Panel, response: ServerResponse, reply: Reply, accepted: PanelOrder | undefined): void {
  if (!response.destroyed) {
    sendReply(response, reply)
    return
  }
  if (accepted?.answer === 'sent') markUnanswered(panel, accepted, 'client_gone')
}

function count(panel: Panel, name: string): void {
  panel.requests.set(name, (panel.requests.get(name) ?? 0) + 1)
}
