import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as after } from 'node:timers/promises'
import {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  fastify,
  LogController,
  type RawServerDefault,
} from 'fastify'
import { serializerCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod'
import { newUuid } from '#server/kit/id.ts'
import type { Config } from '../config/config.ts'
import { correlate } from '../telemetry/correlation.ts'
import { reportFailure } from '../telemetry/failures.ts'
import type { Log } from '../telemetry/log.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { watchAllowedMethods } from './allowed-methods.ts'
import { answerClientError } from './client-error.ts'
import { errorHandler, problemAnswer } from './failure.ts'
import { refuseBadInput } from './input.ts'
import { operatorRoutes, type ReadinessChecks } from './operator-routes.ts'
import { MethodNotAllowedError, NotFoundError, UnavailableError } from './problem.ts'
import { watchRequests } from './request-metrics.ts'
import { contentPolicy, securityHeaders } from './security-headers.ts'
import { zodValidatorCompiler } from './validation.ts'

/** What routes are registered on. */
export type HttpApp = FastifyInstance<RawServerDefault, IncomingMessage, ServerResponse, Log, ZodTypeProvider>

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Served also while stopping and under overload. */
    operator?: boolean
    /** A stream that lasts, such as server-sent events: it must end itself when `Http.stopping` aborts. */
    long_lived?: boolean
  }
  interface FastifyInstance {
    /** Logs an unforeseen failure with its stack, counts it, and has it remembered. */
    reportUnexpected(
      error: unknown,
      request: { id: string; method: string; routeOptions: { url?: string | undefined } },
    ): void
  }
}

export interface HttpOptions {
  config: Pick<Config, 'trust_proxy' | 'public_url'>
  log: Log
  metrics: Metrics
  checks: ReadinessChecks
  /** Bytes of a body where the route sets no `bodyLimit` of its own. */
  body_limit?: number
  /** Requests under way at once; one more is refused with 503. */
  in_flight_max?: number
}

export interface Http {
  readonly app: HttpApp
  /** Aborts when `stop` begins; streams end themselves by it. */
  readonly stopping: AbortSignal
  /** Listens and answers the address as a URL. `port` 0 takes a free one. */
  listen(at: { host: string; port: number }): Promise<string>
  /**
   * Stops: at once `/readyz` is 503 and answers ask to close the connection; after `drain_ms` new requests are refused with 503 and those under way
   * are finished; what is not finished `timeout_ms` later is cut off.
   */
  stop(options?: { drain_ms?: number; timeout_ms?: number }): Promise<void>
}

/** Enough for a thousand orders in one request. */
const BODY_BYTES = 1_048_576

/** Request line and headers together. */
const HEADER_BYTES = 16_384

/** One parameter in a path: ids and names, no documents. */
const PARAM_CHARS = 200

/** A request has to be here, with its body, in this time. */
const REQUEST_TIMEOUT_MS = 30_000
const HEADERS_TIMEOUT_MS = 15_000

/** Longer than the 60 s for which proxies commonly keep a connection: who closes first must not be us, or a request is lost. */
const KEEP_ALIVE_MS = 65_000

/** At the target of 12,000 requests/s each may then take 400 ms; beyond, waiting longer helps nobody. */
const IN_FLIGHT_MAX = 5_000

/** Time for what is under way when `stop` begins; the longest route answers sooner. */
const STOP_TIMEOUT_MS = 20_000

/** Opens the server with what all doors share: ids, limits, errors, security headers, metrics, the operators' routes. It does not listen yet. */
export function openHttp(options: HttpOptions): Http {
  const app = fastifyApp(options)
  const stopping = new AbortController()
  const state = { refusing: false, in_flight: 0 }
  const unexpected = options.metrics.counter('http_unexpected_failures_total', 'Requests that failed unforeseen')
  app.decorate('reportUnexpected', (error, request) => {
    unexpected.inc()
    const where = { request_id: request.id, method: request.method, route: request.routeOptions.url }
    options.log.error({ err: error, ...where }, 'request failed')
    reportFailure({
      kind: 'request',
      name: `${request.method} ${request.routeOptions.url ?? 'unknown'}`,
      error,
      correlation: { request_id: request.id },
    })
  })
  addHooks(app, options, stopping.signal, state)
  const allowedMethods = watchAllowedMethods(app)
  app.setNotFoundHandler((request) => {
    const allowed = allowedMethods(request.url.split('?', 1)[0] ?? '')
    throw allowed.length > 0 ? new MethodNotAllowedError(allowed) : new NotFoundError()
  })
  app.setErrorHandler(errorHandler(problemAnswer))
  watchRequests(app, options)
  operatorRoutes(app, { ...options, stopping: stopping.signal })
  const silent = watchSilentConnections(app)
  return {
    app,
    stopping: stopping.signal,
    listen: async ({ host, port }) => {
      // Fastify would open a second server for ::1, which a stop does not reach.
      await app.listen({ host: host === 'localhost' ? '127.0.0.1' : host, port })
      return urlOf(app.server.address() as AddressInfo)
    },
    stop: async ({ drain_ms = 0, timeout_ms = STOP_TIMEOUT_MS } = {}) => {
      stopping.abort()
      if (drain_ms > 0) await after(drain_ms)
      state.refusing = true
      for (const socket of silent) socket.destroy()
      const late = setTimeout(() => app.server.closeAllConnections(), timeout_ms)
      try {
        await app.close()
      } finally {
        clearTimeout(late)
      }
    },
  }
}

function fastifyApp(options: HttpOptions): HttpApp {
  const { trust_proxy } = options.config
  const answer = errorHandler(problemAnswer)
  const app = fastify({
    loggerInstance: options.log,
    // `correlate` puts the request's id on each line; a logger for each request would only cost.
    childLoggerFactory: (logger) => logger,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: requestId,
    requestIdHeader: false,
    trustProxy: trust_proxy.length > 0 && [...trust_proxy],
    bodyLimit: options.body_limit ?? BODY_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    http: { maxHeaderSize: HEADER_BYTES, headersTimeout: HEADERS_TIMEOUT_MS },
    // Stopping is answered by our own hook, in our own form.
    return503OnClosing: false,
    routerOptions: { maxParamLength: PARAM_CHARS, ignoreTrailingSlash: true },
    frameworkErrors: (error, request, reply) => {
      // These come before any hook.
      const policy = { 'content-security-policy': contentPolicy(undefined), 'x-request-id': request.id }
      reply.headers({ ...securityHeaders(options.config.public_url), ...policy })
      answer(error, request as FastifyRequest, reply as unknown as FastifyReply)
    },
    clientErrorHandler: answerClientError,
  }).withTypeProvider<ZodTypeProvider>()
  app.setValidatorCompiler(zodValidatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  // Nothing here takes plain text; without a parser it is refused with 415.
  app.removeContentTypeParser('text/plain')
  return app
}

const SANE_REQUEST_ID = /^[A-Za-z0-9_-]{1,64}$/

/** The caller's own id where it is sane, so that both sides find the request; else a new one. */
function requestId(request: IncomingMessage): string {
  const given = request.headers['x-request-id']
  return typeof given === 'string' && SANE_REQUEST_ID.test(given) ? given : newUuid()
}

function addHooks(
  app: HttpApp,
  options: HttpOptions,
  stopping: AbortSignal,
  state: { refusing: boolean; in_flight: number },
): void {
  const in_flight_max = options.in_flight_max ?? IN_FLIGHT_MAX
  const shared = securityHeaders(options.config.public_url)
  options.metrics.gauge('http_requests_in_flight', 'Requests under way', [], () => state.in_flight)

  app.addHook('onRequest', (request, reply, done) => {
    const { operator, long_lived } = request.routeOptions.config
    reply.headers(shared)
    reply.header('x-request-id', request.id)
    if (!long_lived) {
      state.in_flight += 1
      // Not onResponse: it is not called when the caller hangs up before the answer.
      reply.raw.once('close', () => {
        state.in_flight -= 1
      })
      if (!operator && state.in_flight > in_flight_max) return done(new UnavailableError('Too many requests at once.'))
    }
    if (state.refusing && !operator) return done(new UnavailableError('The service is stopping.'))
    correlate({ request_id: request.id }, done)
  })

  app.addHook('preValidation', (request, _, done) => {
    refuseBadInput(request.params, 'path')
    refuseBadInput(request.query, 'query')
    refuseBadInput(request.body, 'body')
    done()
  })

  app.addHook('onSend', (_, reply, payload, done) => {
    if (!reply.hasHeader('content-security-policy')) {
      reply.header('content-security-policy', contentPolicy(reply.getHeader('content-type')))
    }
    if (stopping.aborted) reply.header('connection', 'close')
    done(null, payload)
  })

  app.addHook('onResponse', (_request, _reply, done) => {
    // A connection whose answer began before the stop did not learn that it should close.
    if (state.refusing) setImmediate(() => app.server.closeIdleConnections())
    done()
  })
}

/** Connections that have not sent a byte. Node takes them neither for idle nor for busy, and a stop would wait for them. */
function watchSilentConnections(app: HttpApp): Iterable<Socket> {
  const open = new Set<Socket>()
  app.server.on('connection', (socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })
  return {
    [Symbol.iterator]: () => [...open].filter((socket) => socket.bytesRead === 0)[Symbol.iterator](),
  }
}

function urlOf(address: AddressInfo): string {
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return `http://${host}:${address.port}`
}
