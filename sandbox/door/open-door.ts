import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ControlError } from '../provider/control-input.ts'
import { readBody } from '../provider/read-body.ts'
import { HTML_TYPE, jsonReply, type Reply, sendReply } from '../provider/reply.ts'

/** More is no control request. */
const BODY_BYTES_MAX = 1_048_576

/** One request at a door, taken apart. */
export interface DoorCall<World> {
  world: World
  /** What the path holds in place of its variable parts, decoded. */
  parts: string[]
  query: URLSearchParams
  /** JSON or a form, as an object; {} without a body. */
  body: unknown
}

/** An HTML page, and not JSON. */
export class Page {
  readonly html: string
  readonly status: number
  constructor(html: string, status = 200) {
    this.html = html
    this.status = status
  }
}

/** Another address, for a browser that has sent a form. */
export class SeeOther {
  readonly location: string
  constructor(location: string) {
    this.location = location
  }
}

/** What a route answers: a Page, a SeeOther, a Reply that is sent as it is, or a value that goes out as JSON. */
export type DoorRoute<World> = readonly [method: string, path: RegExp, handle: (call: DoorCall<World>) => unknown]

/** Answers one request by the first route that fits. ControlError becomes its status and `{"error"}`; all else 500. */
export async function answerAtDoor<World>(
  routes: readonly DoorRoute<World>[],
  world: World,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    sendReply(response, asReply(await answer(routes, world, request)))
  } catch (error) {
    // A caller that went away while sending is no failure of ours.
    if (request.destroyed && !request.complete) return
    if (!(error instanceof ControlError)) process.stderr.write(`sandbox: ${(error as Error).stack}\n`)
    const known = error instanceof ControlError ? error : new ControlError('Internal error', 500)
    sendReply(response, jsonReply({ error: known.message }, known.status))
  }
}

async function answer<World>(
  routes: readonly DoorRoute<World>[],
  world: World,
  request: IncomingMessage,
): Promise<unknown> {
  const bytes = await readBody(request, BODY_BYTES_MAX)
  if (bytes === undefined) throw new ControlError(`body: longer than ${BODY_BYTES_MAX} bytes`, 413)
  const url = new URL(request.url ?? '', 'http://sandbox')
  const here = routes.filter(([, path]) => path.test(url.pathname))
  if (here.length === 0) throw new ControlError('path: nothing is here; see sandbox/README.md', 404)
  const route = here.find(([method]) => method === request.method)
  if (route === undefined)
    throw new ControlError(`method: expected ${here.map(([method]) => method).join(' or ')}`, 405)
  const [, path, handle] = route
  const parts = (path.exec(url.pathname) ?? []).slice(1).map(decodeURIComponent)
  return handle({ world, parts, query: url.searchParams, body: parseBody(request, bytes) })
}

function parseBody(request: IncomingMessage, bytes: Buffer): unknown {
  const text = bytes.toString('utf8')
  if (text.trim() === '') return {}
  if (request.headers['content-type']?.startsWith('application/x-www-form-urlencoded')) {
    return Object.fromEntries(new URLSearchParams(text))
  }
  try {
    return JSON.parse(text)
  } catch {
    throw new ControlError('body: not JSON')
  }
}

function asReply(value: unknown): Reply {
  if (value instanceof Page) return { how: 'send', status: value.status, content_type: HTML_TYPE, body: value.html }
  if (value instanceof SeeOther) {
    return { how: 'send', status: 303, content_type: HTML_TYPE, body: '', location: value.location }
  }
  if (typeof value === 'object' && value !== null && 'how' in value) return value as Reply
  return jsonReply(value ?? {})
}

/** Listens on the loopback. Rejects when the port is taken. */
export async function listenOnLoopback(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
}

/** Serves routes over HTTP on the loopback; `close` cuts what is under way. */
export async function openDoor<World>(
  routes: readonly DoorRoute<World>[],
  world: World,
  port: number,
): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer((request, response) => void answerAtDoor(routes, world, request, response))
  const taken = await listenOnLoopback(server, port)
  return {
    url: `http://127.0.0.1:${taken}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
