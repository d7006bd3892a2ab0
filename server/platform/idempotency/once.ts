import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { invariant, present } from '#server/kit/invariant.ts'
import type { App } from '../app.ts'
import type { Tx } from '../db/database.ts'
import type { Secrets } from '../secrets/secrets.ts'
import { appWithin } from './app-within.ts'
import { type AskedRequest, contentOf } from './asked-request.ts'
import { carryOutOnce } from './carry-out-once.ts'
import { idempotencyKeyOf, REPLAYED_HEADER } from './idempotency-key.ts'
import { type KeptAnswer, RefusedBeforeError } from './kept-answer.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** `true`: takes an Idempotency-Key, and its handler answers through `once`. A sentence: why repeating the request is safe, or of no use, without one. */
    idempotent?: true | string
  }
}

interface Keeping {
  app: App
  secrets: Secrets
  /** Whose keys a request's are, such as `user:7`. Called where the caller is known. */
  callerOf: (request: FastifyRequest) => string
}

/** A request to an idempotent route. */
interface Visit extends Keeping {
  /** Undefined where the caller sent no key. */
  asked: AskedRequest | undefined
  went_through_once: boolean
}

const visits = new WeakMap<FastifyRequest, Visit>()

/** From here on the routes of `server` that state `config.idempotent: true` take an Idempotency-Key. Register it behind what finds out who calls. */
export function keepAnswers(server: FastifyInstance, keeping: Keeping): void {
  server.addHook('preValidation', (request, _, done) => {
    if (request.routeOptions.config.idempotent === true) {
      visits.set(request, { ...keeping, asked: askedOf(request, keeping), went_through_once: false })
    }
    done()
  })
  server.addHook('onSend', (request, reply, payload, done) => {
    const visit = visits.get(request)
    const passed = !visit?.asked || visit.went_through_once || reply.statusCode >= 400
    invariant(passed, `${request.method} ${request.routeOptions.url} is idempotent, and does not answer through once()`)
    done(null, payload)
  })
}

function askedOf(request: FastifyRequest, { callerOf }: Keeping): AskedRequest | undefined {
  const key = idempotencyKeyOf(request.raw)
  if (key === undefined) return undefined
  const { method, url, body, routeOptions } = request
  return {
    caller: callerOf(request),
    route: `${method} ${routeOptions.url}`,
    key,
    content: contentOf(method, url, body),
  }
}

/**
 * Answers a request of a route with `config.idempotent: true` by what `work` answers, with `status`; repeated under its Idempotency-Key, by the same again.
 * `work` gets the app to do everything with: under a key it is within the transaction that keeps the answer, which is `tx`, for verbs that want one.
 * So `work` may run more than once, reaches nothing outside the database, and leaves to others' batches what runs in them. Without a key it is the
 * app itself and no `tx`. Throws what `carryOutOnce` throws.
 */
export async function once<Body extends object>(
  request: FastifyRequest,
  reply: FastifyReply,
  status: number,
  work: (app: App, tx: Tx | undefined) => Promise<Body>,
): Promise<Body> {
  const visit = present(visits.get(request), 'a route that answers through once() states idempotent: true')
  visit.went_through_once = true
  reply.code(status)
  if (!visit.asked) return work(visit.app, undefined)
  const outcome = await carryOutOnce({ db: visit.app.db, secrets: visit.secrets }, visit.asked, async (tx) => {
    const body = await work(appWithin(visit.app, tx), tx)
    return { status, headers: headersToKeep(reply), body: String(reply.serialize(body)) }
  })
  if (outcome.how === 'refused') throw outcome.error
  return send(reply, outcome.answer, outcome.how === 'before' ? { [REPLAYED_HEADER]: 'true' } : {})
}

/** Those that belong to the answer and not to the moment. */
const KEPT_HEADERS = ['location', 'cache-control'] as const

function headersToKeep(reply: FastifyReply): Record<string, string> {
  return Object.fromEntries(
    KEPT_HEADERS.flatMap((name) => (reply.hasHeader(name) ? [[name, String(reply.getHeader(name))]] : [])),
  )
}

/** The text that was kept, byte for byte, whatever the route's schema says by now. */
function send<Body>(reply: FastifyReply, answer: KeptAnswer, headers: Record<string, string>): Body {
  if ('refusal' in answer) throw new RefusedBeforeError(answer.refusal, headers)
  reply.code(answer.status).headers({ ...answer.headers, ...headers })
  reply.serializer(() => answer.body)
  return JSON.parse(answer.body) as Body
}
