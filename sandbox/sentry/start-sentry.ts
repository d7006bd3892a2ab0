import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { openFaults } from '../door/faults.ts'
import { answerAtDoor, listenOnLoopback } from '../door/open-door.ts'
import { readBody } from '../provider/read-body.ts'
import { htmlReply, jsonReply, sendReply } from '../provider/reply.ts'
import { CONTROL_ROUTES } from './control-door.ts'
import { readEnvelope } from './envelope.ts'
import { SENTRY_FAULT_NAMES } from './faults.ts'
import type { Ingest } from './ingest.ts'

/** A simulated Sentry with one project, running. */
export interface Sentry {
  /** Without a path; the control door is under `/control`. */
  readonly url: string
  readonly dsn: string
  /** Ends at once; what is under way is cut. */
  close(): Promise<void>
}

const PROJECT = '4711'

/** As the real one bounds an envelope that is not compressed. */
const ENVELOPE_BYTES_MAX = 1_048_576

/** The last so many are kept. */
const EVENTS_MAX = 1_000

/** Starts it on the loopback. Port 0 or none: a free one; without `key` a new one. Rejects when the port is taken. */
export async function startSentry(options: { port?: number; key?: string } = {}): Promise<Sentry> {
  const ingest: Ingest = {
    key: options.key ?? randomBytes(16).toString('hex'),
    faults: openFaults(SENTRY_FAULT_NAMES),
    requests: 0,
    events: [],
  }
  const server = createServer((request, response) => {
    if (request.url?.startsWith('/control')) void answerAtDoor(CONTROL_ROUTES, ingest, request, response)
    else takeAtDoor(ingest, request, response).catch(() => response.destroy())
  })
  const port = await listenOnLoopback(server, options.port ?? 0)
  return {
    url: `http://127.0.0.1:${port}`,
    dsn: `http://${ingest.key}@127.0.0.1:${port}/${PROJECT}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function takeAtDoor(ingest: Ingest, request: IncomingMessage, response: ServerResponse): Promise<void> {
  ingest.requests += 1
  const bytes = await readBody(request, ENVELOPE_BYTES_MAX)
  const slow = ingest.faults.strikes('delay', '')
  if (slow) await delay(slow.ms ?? 3_000)
  if (ingest.faults.strikes('hang', '')) return
  if (ingest.faults.strikes('cut', '')) return void response.destroy()
  const limited = ingest.faults.strikes('rate_limit', '')
  if (limited) {
    response.writeHead(429, { 'retry-after': String(Math.ceil((limited.ms ?? 60_000) / 1_000)) }).end()
    return
  }
  if (ingest.faults.strikes('nonsense', '')) {
    response.writeHead(200, { 'content-type': 'application/json' }).end('<html>{{'.repeat(10_000))
    return
  }
  const broken = ingest.faults.strikes('http_5xx', '')
  sendReply(response, broken ? htmlReply(broken.code ?? 503, 'Service Unavailable') : take(ingest, request, bytes))
}

function take(ingest: Ingest, request: IncomingMessage, bytes: Buffer | undefined) {
  const url = new URL(request.url ?? '', 'http://sandbox')
  if (request.method !== 'POST' || !/^\/api\/\d+\/envelope\/$/.test(url.pathname)) {
    return jsonReply({ detail: 'nothing is here' }, 404)
  }
  if (url.pathname !== `/api/${PROJECT}/envelope/` || keyOf(request, url) !== ingest.key) {
    return jsonReply({ detail: 'bad sentry DSN public key', causes: [] }, 403)
  }
  if (bytes === undefined) return jsonReply({ detail: 'envelope exceeded size limits' }, 413)
  try {
    const { header, items } = readEnvelope(bytes)
    for (const item of items) {
      if (item.header.type !== 'event') continue
      ingest.events.push(item.payload as Record<string, unknown>)
      if (ingest.events.length > EVENTS_MAX) ingest.events.shift()
    }
    return jsonReply({ id: header.event_id })
  } catch {
    return jsonReply({ detail: 'invalid event envelope' }, 400)
  }
}

/** In the query, or in `X-Sentry-Auth: Sentry sentry_key=…`. */
function keyOf(request: IncomingMessage, url: URL): string | undefined {
  const header = request.headers['x-sentry-auth']
  const named = typeof header === 'string' ? /sentry_key=(\w+)/.exec(header)?.[1] : undefined
  return url.searchParams.get('sentry_key') ?? named
}
