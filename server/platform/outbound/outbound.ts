import { Agent, type Dispatcher } from 'undici'
import { InvariantError, invariant } from '#server/kit/invariant.ts'
import { insideTransaction } from '../db/database.ts'
import { ConnectError, guardedConnector } from './connect.ts'
import { type ResolveName, resolveBySystem } from './resolve-name.ts'

/** One call to the outside. Redirects are never followed. */
export interface OutboundRequest {
  url: string
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  headers?: Readonly<Record<string, string>>
  body?: string
  /** From the start to the last byte of the answer. */
  timeout_ms: number
  /** An answer beyond this many bytes is not read to its end. */
  max_bytes: number
  /** What becomes of one beyond them: it is an error, which is also the default, or it counts with what was read. */
  beyond_max?: 'fails' | 'is_cut'
}

/** An answer, whatever its status. */
export interface OutboundResponse {
  status: number
  headers: Readonly<Record<string, string>>
  /** UTF-8, a byte order mark removed. */
  body: string
  /** Whether there was more of it than `max_bytes`. */
  cut: boolean
  duration_ms: number
}

export type OutboundFailure =
  | 'address_refused'
  | 'dns'
  | 'connect'
  | 'tls'
  | 'timeout'
  | 'reset'
  | 'too_large'
  | 'aborted'

/**
 * No whole answer came. `sent` is false only when it is certain that the request did not leave: the address was refused, or the name, the connection or
 * the TLS handshake failed before a byte of the request was written. Everything else may have arrived and taken effect.
 */
export class OutboundError extends Error {
  override name = 'OutboundError'
  readonly failure: OutboundFailure
  readonly sent: boolean
  readonly duration_ms: number

  constructor(failure: OutboundFailure, sent: boolean, duration_ms: number, cause?: unknown) {
    super(`outbound call failed: ${failure}`, { cause })
    this.failure = failure
    this.sent = sent
    this.duration_ms = duration_ms
  }
}

/** Calls to the outside. Refuses (InvariantError) inside a database transaction. */
export interface Outbound {
  /** Throws OutboundError when no whole answer came. */
  call(request: OutboundRequest): Promise<OutboundResponse>
  close(): Promise<void>
}

export interface OutboundOptions {
  /** Whether private, loopback and other special addresses may be called. */
  allow_private_addresses: boolean
  /** Sent with each call that names no other. */
  user_agent: string
  /** How names become addresses; `resolveBySystem` without it. */
  resolveName?: ResolveName
  /** Connections to one origin; CONNECTIONS_MAX without it. A call beyond them waits for one, within its own time-out. */
  connections_max?: number
}

const CONNECTIONS_MAX = 128

/**
 * Short on purpose. A connection that the server closed just as it is used again makes an outcome unknown, and servers commonly
 * close after 5 s or more.
 */
const KEEP_ALIVE_MS = 4_000

/** A connection is not used beyond this, so that a changed name or certificate is noticed. */
const CONNECTION_LIFE_MS = 60_000

const HEADER_BYTES_MAX = 16_384

/** Opens calls to the outside. Nothing is ever sent twice, whatever becomes of the connection. */
export function openOutbound(options: OutboundOptions): Outbound {
  const agent = new Agent({
    connect: guardedConnector(options.allow_private_addresses, options.resolveName ?? resolveBySystem),
    connections: options.connections_max ?? CONNECTIONS_MAX,
    // One request at a time on a connection, so that a broken one leaves no other request in doubt.
    pipelining: 1,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    clientTtl: CONNECTION_LIFE_MS,
    maxHeaderSize: HEADER_BYTES_MAX,
    // The call's own time-out covers these.
    headersTimeout: 0,
    bodyTimeout: 0,
  })
  const underWay = new Set<Promise<OutboundResponse>>()
  let closed = false
  return {
    async call(request) {
      if (insideTransaction()) throw new InvariantError('outbound call inside a transaction')
      invariant(request.timeout_ms > 0 && request.max_bytes > 0, 'outbound call without limits')
      if (closed) throw new OutboundError('aborted', false, 0, new Error('outbound is closed'))
      const exchange = new Exchange(request)
      underWay.add(exchange.answer)
      exchange.start(agent, options.user_agent)
      try {
        return await exchange.answer
      } finally {
        underWay.delete(exchange.answer)
      }
    },
    async close() {
      closed = true
      await Promise.allSettled(underWay)
      await agent.destroy()
    },
  }
}

/** The URL of a call, or undefined where its form alone refuses it: only http and https, no user or password within. */
function callableUrl(text: string): URL | undefined {
  const url = URL.parse(text)
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) return undefined
  return url.username === '' && url.password === '' ? url : undefined
}

/** One request and what comes back. Settles once; whatever undici reports later changes nothing. */
class Exchange implements Dispatcher.DispatchHandler {
  readonly answer: Promise<OutboundResponse>
  readonly #request: OutboundRequest
  readonly #started_at = performance.now()
  readonly #resolve: (response: OutboundResponse) => void
  readonly #reject: (error: OutboundError) => void
  #timer: NodeJS.Timeout | undefined
  #settled = false
  /** Set once undici is about to write the first byte. */
  #controller: Dispatcher.DispatchController | undefined
  #status = 0
  #headers: Record<string, string> = {}
  #chunks: Buffer[] = []
  #bytes = 0

  constructor(request: OutboundRequest) {
    this.#request = request
    const { promise, resolve, reject } = Promise.withResolvers<OutboundResponse>()
    this.answer = promise
    this.#resolve = resolve
    this.#reject = reject
  }

  start(agent: Agent, user_agent: string): void {
    const { url: text, method, body } = this.#request
    const url = callableUrl(text)
    if (url === undefined) {
      this.#fail('address_refused', new Error('not a URL that may be called'))
      return
    }
    this.#timer = setTimeout(() => this.#fail('timeout'), this.#request.timeout_ms)
    // Compressed answers are not asked for: the size cap is to bound what we hold.
    const headers = { 'user-agent': user_agent, 'accept-encoding': 'identity', ...lowerCased(this.#request.headers) }
    try {
      agent.dispatch(
        { origin: url.origin, path: url.pathname + url.search, method, headers, body: body ?? null, idempotent: false },
        this,
      )
    } catch (error) {
      this.#fail('aborted', error)
    }
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#settled) {
      // Timed out while it waited for a connection: it is not sent any more.
      controller.abort(new Error('no longer wanted'))
    } else if (this.#controller) {
      controller.abort(new Error('never sent twice'))
      this.#fail('reset', new Error('the connection broke'))
    } else this.#controller = controller
  }

  onResponseStart(
    _: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (status < 200) return
    this.#status = status
    for (const [name, value] of Object.entries(headers)) {
      if (value !== undefined) this.#headers[name] = Array.isArray(value) ? value.join(', ') : value
    }
    const told_bytes = Number(this.#headers['content-length'] ?? 0)
    if (told_bytes > this.#request.max_bytes && this.#request.beyond_max !== 'is_cut') this.#fail('too_large')
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#settled) return
    this.#bytes += chunk.length
    if (this.#bytes <= this.#request.max_bytes) this.#chunks.push(chunk)
    else if (this.#request.beyond_max === 'is_cut') {
      this.#chunks.push(chunk.subarray(0, chunk.length - (this.#bytes - this.#request.max_bytes)))
      this.#answer(true)
      this.#controller?.abort(new Error('more than is wanted'))
    } else this.#fail('too_large')
  }

  onResponseEnd(): void {
    if (!this.#settled) this.#answer(false)
  }

  onResponseError(_: Dispatcher.DispatchController | undefined, error: Error & { code?: string }): void {
    if (error instanceof ConnectError) this.#fail(error.failure, error)
    else if (error.code === 'UND_ERR_HEADERS_OVERFLOW') this.#fail('too_large', error)
    else this.#fail(this.#controller ? 'reset' : 'aborted', error)
  }

  #answer(cut: boolean): void {
    this.#settle()
    // Malformed UTF-8 becomes U+FFFD; a leading byte order mark is dropped.
    const body = new TextDecoder('utf-8').decode(Buffer.concat(this.#chunks))
    this.#resolve({ status: this.#status, headers: this.#headers, body, cut, duration_ms: this.#duration_ms() })
  }

  #fail(failure: OutboundFailure, cause?: unknown): void {
    if (this.#settled) return
    this.#settle()
    this.#chunks = []
    this.#reject(new OutboundError(failure, this.#controller !== undefined, this.#duration_ms(), cause))
    this.#controller?.abort(new Error(failure))
  }

  #settle(): void {
    this.#settled = true
    clearTimeout(this.#timer)
  }

  #duration_ms(): number {
    return Math.round(performance.now() - this.#started_at)
  }
}

function lowerCased(headers: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}
