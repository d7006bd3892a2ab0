import { stringify } from 'node:querystring'

/** Fields of one call, in the order in which a client sends them. */
export type Fields = Record<string, string | number>

/** How one kind of client sends a call: its own bytes, its own headers. */
export interface ClientStyle {
  name: string
  send(url: string, key: string, fields: Fields): Promise<Response>
}

/** What a client makes of `{"error": …}` when that is all there is. */
export class PanelError extends Error {
  override name = 'PanelError'
}

/** PHP's urlencode(). */
function urlencode(value: string | number): string {
  return encodeURIComponent(value)
    .replace(/[!'()*~]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+')
}

const FORM = { 'content-type': 'application/x-www-form-urlencoded' }
/** As curl and PHP write it: one dash less here than in the body. */
const BOUNDARY = '------------------------d74496d66958873e'

/** The widely copied PHP class: name=urlencode(value), key and action first, the user agent of an old browser. It would follow a redirect and lose its body. */
const php: ClientStyle = {
  name: 'PHP form',
  send: (url, key, fields) => {
    const body = Object.entries({ key, ...fields }).map(([name, value]) => `${name}=${urlencode(value)}`)
    const headers = { ...FORM, 'user-agent': 'Mozilla/4.0 (compatible; MSIE 5.01; Windows NT 5.0)' }
    return fetch(url, { method: 'POST', redirect: 'error', headers, body: body.join('&') })
  },
}

const node: ClientStyle = {
  name: 'Node querystring, key last',
  send: (url, key, fields) =>
    fetch(url, { method: 'POST', redirect: 'error', headers: FORM, body: stringify({ ...fields, key }) }),
}

const get: ClientStyle = {
  name: 'GET',
  send: (url, key, fields) => fetch(`${url}?${stringify({ ...fields, key })}`, { redirect: 'error' }),
}

const json: ClientStyle = {
  name: 'JSON, as axios does by default',
  send: (url, key, fields) =>
    fetch(url, {
      method: 'POST',
      redirect: 'error',
      headers: { 'content-type': 'application/json', accept: 'application/json, text/plain, */*' },
      body: JSON.stringify({ key, ...fields }),
    }),
}

const multipart: ClientStyle = {
  name: 'multipart, as curl and PHP do with an array',
  send: (url, key, fields) => {
    const parts = Object.entries({ key, ...fields }).map(
      ([name, value]) => `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
    )
    return fetch(url, {
      method: 'POST',
      redirect: 'error',
      headers: { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` },
      body: `${parts.join('')}--${BOUNDARY}--\r\n`,
    })
  },
}

/** Every style in which resellers call. */
export const STYLES: readonly ClientStyle[] = [php, node, get, json, multipart]

/** A client by the rules all of them share: the answer is JSON whatever the status, and `error` as its only key is a failure. */
export function panelClient(style: ClientStyle, url: string, key: string) {
  return async <T>(fields: Fields): Promise<T> => {
    const response = await style.send(url, key, fields)
    const answer = JSON.parse(await response.text()) as T & { error?: unknown }
    const failed = !Array.isArray(answer) && Object.keys(answer).join() === 'error' && typeof answer.error === 'string'
    if (failed) throw new PanelError(String(answer.error))
    return answer
  }
}
