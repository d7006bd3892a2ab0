import type { IncomingMessage, ServerResponse } from 'node:http'
import { addOrder } from './add-order.ts'
import { ControlError, INPUT, readFaults, readInput } from './control-input.ts'
import { orderRow, serviceRow, summaryOf } from './control-views.ts'
import { FAULTS } from './faults.ts'
import { endOrder, settleDue } from './orders.ts'
import { clearPanel, type Panel } from './panel.ts'
import { changePace } from './progress.ts'
import { readBody } from './read-body.ts'
import { jsonReply, sendReply } from './reply.ts'
import { accountRow } from './state-file.ts'
import { endPosting, listForeign, makePost, postDue, repace } from './subscriptions.ts'

export const CONTROL_PATH = '/control'

/** Ten thousand orders to enter at once fit. */
const BODY_BYTES_MAX = 4_194_304

interface Call {
  panel: Panel
  /** What the path holds in place of its variable part. */
  id: string
  query: URLSearchParams
  body: unknown
  now_ms: number
}
type Route = readonly [method: string, path: RegExp, (call: Call) => unknown]

const ROUTES: readonly Route[] = [
  ['GET', /^\/orders$/, listOrders],
  ['POST', /^\/orders$/, enterOrders],
  ['POST', /^\/orders\/([^/]+)\/finish$/, finishOrder],
  ['POST', /^\/orders\/([^/]+)\/post$/, postNow],
  ['GET', /^\/summary$/, ({ panel, now_ms }) => summaryOf(panel, now_ms)],
  ['GET', /^\/faults$/, ({ panel }) => faultSettings(panel)],
  ['PUT', /^\/faults$/, putFaults],
  ['GET', /^\/faults\/known$/, () => FAULTS],
  ['PUT', /^\/balance$/, putBalance],
  ['GET', /^\/pace$/, ({ panel }) => panel.pace],
  ['POST', /^\/pace$/, postPace],
  ['GET', /^\/extensions$/, ({ panel }) => panel.extensions],
  ['PUT', /^\/extensions$/, putExtensions],
  ['GET', /^\/services$/, ({ panel }) => ({ services: Array.from(panel.services.values(), serviceRow) })],
  ['PUT', /^\/services\/(\d{1,9})$/, putService],
  ['POST', /^\/reset$/, reset],
]

/** Answers one request at the control door. */
export async function handleControl(panel: Panel, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    sendReply(response, jsonReply(await answer(panel, request)))
  } catch (error) {
    if (!(error instanceof ControlError)) throw error
    if (error.status === 413) response.setHeader('connection', 'close')
    sendReply(response, jsonReply({ error: error.message }, error.status))
  }
}

async function answer(panel: Panel, request: IncomingMessage): Promise<unknown> {
  const bytes = await readBody(request, BODY_BYTES_MAX)
  if (bytes === undefined) throw new ControlError(`body: longer than ${BODY_BYTES_MAX} bytes`, 413)
  const token = panel.control_token
  if (token !== undefined && request.headers.authorization !== `Bearer ${token}`) {
    throw new ControlError('authorization: expected "Bearer" and the control token', 401)
  }
  const url = new URL(request.url ?? '', 'http://panel')
  const path = url.pathname.slice(CONTROL_PATH.length)
  const here = ROUTES.filter(([, pattern]) => pattern.test(path))
  if (here.length === 0) throw new ControlError('path: nothing is here; see sandbox/README.md', 404)
  const route = here.find(([method]) => method === request.method)
  if (route === undefined)
    throw new ControlError(`method: expected ${here.map(([method]) => method).join(' or ')}`, 405)
  const [, pattern, handle] = route
  const now_ms = panel.now_ms()
  settleDue(panel, now_ms)
  postDue(panel, now_ms)
  return handle({ panel, id: pattern.exec(path)?.[1] ?? '', query: url.searchParams, body: parseBody(bytes), now_ms })
}

function parseBody(bytes: Buffer): unknown {
  if (bytes.length === 0) return {}
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    throw new ControlError('body: not JSON')
  }
}

function listOrders({ panel, query, now_ms }: Call): unknown {
  const { after, limit } = readInput(INPUT.page, Object.fromEntries(query))
  const start = after === '' || after === '0' ? 0 : panel.orders_by_id.get(after)?.number
  if (start === undefined) throw new ControlError('after: no such order')
  const orders = panel.orders.slice(start, start + limit).map((order) => orderRow(panel, order, now_ms))
  const more = start + orders.length < panel.orders.length
  return { orders, next: more ? (orders.at(-1)?.id ?? null) : null, total: panel.orders.length }
}

function enterOrders({ panel, body, now_ms }: Call): unknown {
  const { orders } = readInput(INPUT.orders, body)
  const ids = orders.map((fields, index) => {
    const order = addOrder(panel, fields, () => undefined, now_ms)
    if ('error' in order) throw new ControlError(`orders.${index}: ${order.error}; those before it were entered`)
    return order.id
  })
  return { ids }
}

function finishOrder({ panel, id, body, now_ms }: Call): unknown {
  const order = panel.orders_by_id.get(id)
  if (order === undefined) throw new ControlError('id: no such order', 404)
  const { status, remains, start_count } = readInput(INPUT.finish, body)
  if (order.subscription) {
    if (status === 'Partial') throw new ControlError('status: a subscription is never Partial')
    endPosting(panel, order, status, now_ms)
    return orderRow(panel, order, now_ms)
  }
  if (status === 'Expired') throw new ControlError('status: Expired is of subscriptions alone')
  if (status === 'Partial' && remains === undefined) throw new ControlError('remains: needed for Partial')
  const left = remains ?? (status === 'Canceled' ? order.quantity : 0)
  if (left > order.quantity) throw new ControlError(`remains: more than the quantity ${order.quantity}`)
  if (!endOrder(panel, order, { status, remains: left, start_count }, now_ms)) {
    throw new ControlError('status: the balance does not suffice to charge this order again', 409)
  }
  return orderRow(panel, order, now_ms)
}

function postNow({ panel, id, body, now_ms }: Call): unknown {
  const parent = panel.orders_by_id.get(id)
  if (!parent?.subscription) throw new ControlError('id: no such subscription', 404)
  const { quantity, order } = readInput(INPUT.post, body)
  if (order !== undefined) {
    listForeign(panel, parent, order)
    return { id: order }
  }
  const post = makePost(panel, parent, now_ms, quantity)
  if (post === undefined) throw new ControlError('balance: does not suffice for this post', 409)
  return { id: post.id }
}

function putFaults({ panel, body }: Call): unknown {
  panel.faults = readFaults(body)
  return faultSettings(panel)
}

function faultSettings(panel: Panel): unknown {
  return Object.fromEntries(Array.from(panel.faults, ([name, { fired: _fired, ...setting }]) => [name, setting]))
}

function putBalance({ panel, body, now_ms }: Call): unknown {
  const { balance, add } = readInput(INPUT.balance, body)
  const added = add ?? (balance ?? panel.balance) - panel.balance
  if (panel.balance + added < 0n) throw new ControlError('add: the balance would fall below zero')
  panel.added += added
  panel.balance += added
  panel.state_file?.append('account', accountRow(panel))
  return summaryOf(panel, now_ms)
}

function postPace({ panel, body, now_ms }: Call): unknown {
  const pace = readInput(INPUT.pace, body)
  changePace(panel, { ...pace, post_every_ms: pace.post_every_ms ?? panel.pace.post_every_ms }, now_ms)
  repace(panel, now_ms)
  settleDue(panel, now_ms)
  panel.state_file?.rewrite(panel)
  return panel.pace
}

function putExtensions({ panel, body }: Call): unknown {
  panel.extensions = readInput(INPUT.extensions, body)
  return panel.extensions
}

function putService({ panel, id, body }: Call): unknown {
  const service = panel.services.get(Number(id))
  if (service === undefined) throw new ControlError('id: no such service', 404)
  const { rate, min, max, disabled } = readInput(INPUT.service, body)
  const changed = {
    rate: rate ?? service.rate,
    min: min ?? service.min,
    max: max ?? service.max,
    disabled: disabled ?? service.disabled,
  }
  if (changed.min > changed.max) throw new ControlError(`${max === undefined ? 'min' : 'max'}: min would exceed max`)
  Object.assign(service, changed)
  panel.state_file?.append('service', service)
  return serviceRow(service)
}

function reset({ panel, now_ms }: Call): unknown {
  clearPanel(panel)
  panel.state_file?.rewrite(panel)
  return summaryOf(panel, now_ms)
}
