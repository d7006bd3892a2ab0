import { type FaultName, parameterOf, type Strikes } from './faults.ts'
import { type Json, keyOf, refuse, TEXT } from './refusals.ts'
import { HTML_TYPE, htmlReply, JSON_TYPE, jsonReply, type Reply } from './reply.ts'

const PAGE = 'Service temporarily unavailable'
const BYTE_ORDER_MARK = '\ufeff'

/** The answer of a fault that comes instead of carrying the request out; the first that strikes. */
export function replyInstead(strikes: Strikes, path: string, key: string): Reply | undefined {
  return (
    withParameter(strikes, 'http_5xx', (status) => htmlReply(status, PAGE)) ??
    withParameter(strikes, 'http_5xx_refusal', (status) => jsonReply(refuse(TEXT.funds), status)) ??
    withParameter(strikes, 'http_4xx', (status) => jsonReply(refuse(TEXT.action), status)) ??
    withParameter(strikes, 'cut_before', () => ({ how: 'cut' })) ??
    withParameter(strikes, 'hang', () => ({ how: 'hang' })) ??
    withParameter(strikes, 'html', () => htmlReply(200, 'Maintenance')) ??
    withParameter(strikes, 'cloudflare', () => htmlReply(403, 'Just a moment...')) ??
    withParameter(strikes, 'empty_body', () => ({ how: 'send', status: 200, content_type: HTML_TYPE, body: '' })) ??
    withParameter(strikes, 'bad_json', () => sendJson('{"order":')) ??
    withParameter(strikes, 'redirect', () => ({ ...htmlReply(302, 'Found'), location: `${path}/` })) ??
    withParameter(strikes, 'rate_limit', () => jsonReply(refuse(TEXT.rate_limit))) ??
    withParameter(strikes, 'rate_limit_429', () => jsonReply(refuse(TEXT.rate_limit), 429)) ??
    withParameter(strikes, 'wrong_key', () => jsonReply(refuse(TEXT.key))) ??
    withParameter(strikes, 'key_quoted', () => jsonReply(refuse(`${TEXT.key}: ${key}`)))
  )
}

/** What a fault makes of the answer to a request that was carried out; the first that strikes, with its name. */
export function replySpoiled(strikes: Strikes, value: Json): { name: FaultName; reply: Reply } | undefined {
  const body = JSON.stringify(value)
  const spoiled: [FaultName, (parameter: number) => Reply][] = [
    ['http_5xx_after', (status) => jsonReply(refuse('Internal server error'), status)],
    ['http_502_after', () => htmlReply(502, 'Bad gateway')],
    ['cut_after', () => ({ how: 'cut' })],
    ['cut_middle', () => ({ how: 'cut_middle', body })],
    ['hang_after', () => ({ how: 'hang' })],
    ['html_after', () => htmlReply(200, 'Maintenance')],
    ['empty_body_after', () => ({ how: 'send', status: 200, content_type: HTML_TYPE, body: '' })],
    ['bad_json_after', () => sendJson(`<br />\n<b>Warning</b>: Undefined variable $order<br />\n${body}`)],
    ['huge_body_after', (bytes) => sendJson(`${' '.repeat(bytes)}${body}`)],
  ]
  for (const [name, reply] of spoiled) {
    const made = withParameter(strikes, name, reply)
    if (made) return { name, reply: made }
  }
  return undefined
}

/** The true answer, with the oddities of wording and transport that strike. */
export function replyOddly(strikes: Strikes, value: Json): Reply {
  const error = errorOf(value)
  const said = error !== undefined && strikes('error_keys') ? refuse(keyOf(error)) : value
  const as_error = error === undefined ? undefined : strikes('errors_4xx')
  const status = as_error ? parameterOf('errors_4xx', as_error) : error === undefined && strikes('http_201') ? 201 : 200
  return {
    how: 'send',
    status,
    content_type: strikes('wrong_content_type') ? HTML_TYPE : JSON_TYPE,
    body: `${strikes('bom') ? BYTE_ORDER_MARK : ''}${JSON.stringify(said)}`,
  }
}

function withParameter(strikes: Strikes, name: FaultName, reply: (parameter: number) => Reply): Reply | undefined {
  const setting = strikes(name)
  return setting && reply(parameterOf(name, setting))
}

function sendJson(body: string): Reply {
  return { how: 'send', status: 200, content_type: JSON_TYPE, body }
}

function errorOf(value: Json): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  return typeof value.error === 'string' ? value.error : undefined
}
