import type { FastifyReply, FastifyRequest } from 'fastify'
import type { App } from '../app.ts'
import type { Count, Counter, Subject } from './counter.ts'
import { RateLimitedError } from './errors.ts'
import { memoryCounter } from './memory-counter.ts'
import { countedNetwork } from './network.ts'
import { type Limiters, openLimiters } from './open-limiters.ts'
import { RATE_CLASSES, RATE_LIMITS, type RateClass, type RateLimit } from './rate-class.ts'
import { redisCounter } from './redis-counter.ts'

/** Who sends a request, by what their limits are counted. */
export interface RatedCaller {
  readonly user_id: bigint
  /** Where a key was used. */
  readonly key_id: bigint | undefined
}

/**
 * Counts requests before they are carried out, and tells their callers how many are left. Counted in this process; with REDIS_URL in Redis, for all processes
 * together, and while Redis is away in this process again. Who has none left gets RateLimitedError, thrown or by the promise; counted in this process there is
 * nothing to wait for, and no promise.
 */
export interface RateLimits {
  /** Counts against the network from which the request comes: before its caller is looked at, so that guessing keys is counted too. */
  takeNetwork(rate_class: RateClass, request: FastifyRequest, reply: FastifyReply): Promise<void> | undefined
  /** Counts against the caller's key and user. */
  takeCaller(
    rate_class: RateClass,
    caller: RatedCaller,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<void> | undefined
  close(): Promise<void>
}

declare module 'fastify' {
  interface FastifyRequest {
    /** What is left of the policy of which least is left, as counted so far. */
    fewest_left: number
  }
}

const DIMENSIONS = ['per_network', 'per_key', 'per_user'] as const
type Dimension = (typeof DIMENSIONS)[number]

/** A count that binds requests of a class. */
interface Policy {
  /** `reading-per-key`. */
  readonly name: string
  readonly counter: Counter
}

type Policies = Readonly<Record<RateClass, Readonly<Record<Dimension, Policy>>>>

type RateLimitsApp = Pick<App, 'settings' | 'clock' | 'log' | 'metrics'> & { config: Pick<App['config'], 'redis_url'> }

/** Opens the counters of this process. */
export function openRateLimits(app: RateLimitsApp): RateLimits {
  const { clock, settings, config } = app
  const limiters = config.redis_url === undefined ? undefined : openLimiters(app)
  const policies = policiesOf(app, limiters)
  const refused = app.metrics.counter('saldo_rate_limited_total', 'Requests refused by a rate limit', ['policy'])

  function take(
    rate_class: RateClass,
    dimension: Dimension,
    subject: Subject,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<void> | undefined {
    const limit = settings.read(RATE_LIMITS[rate_class])
    const max = limit[dimension]
    if (max === null) return undefined
    const { name, counter } = policies[rate_class][dimension]
    const counted = counter.take(subject, max, limit.window_seconds)
    if (counted instanceof Promise) return counted.then((count) => judge(name, max, count, request, reply))
    judge(name, max, counted, request, reply)
    return undefined
  }

  function judge(name: string, max: number, { count, ends_ms }: Count, request: FastifyRequest, reply: FastifyReply) {
    const left = max - count
    if (left >= request.fewest_left) return
    request.fewest_left = left
    const reset_s = Math.max(1, Math.ceil((ends_ms - clock.monotonic_ms()) / 1_000))
    reply.header('ratelimit', `"${name}";r=${Math.max(0, left)};t=${reset_s}`)
    if (left >= 0) return
    refused.inc({ policy: name })
    throw new RateLimitedError([name], reset_s)
  }

  function tellPolicies(rate_class: RateClass, kind: Kind, reply: FastifyReply): void {
    const text = policiesText(settings.read(RATE_LIMITS[rate_class]), rate_class, kind)
    if (text !== '') reply.header('ratelimit-policy', text)
  }

  return {
    takeNetwork: (rate_class, request, reply) => {
      tellPolicies(rate_class, 'stranger', reply)
      return take(rate_class, 'per_network', countedNetwork(request.ip), request, reply)
    },
    takeCaller: (rate_class, { user_id, key_id }, request, reply) => {
      tellPolicies(rate_class, key_id === undefined ? 'user' : 'key', reply)
      const byKey = key_id === undefined ? undefined : take(rate_class, 'per_key', key_id, request, reply)
      if (byKey) return byKey.then(() => take(rate_class, 'per_user', user_id, request, reply))
      return take(rate_class, 'per_user', user_id, request, reply)
    },
    close: async () => {
      await limiters?.close()
    },
  }
}

function policiesOf({ clock }: Pick<App, 'clock'>, limiters: Limiters | undefined): Policies {
  const policyOf = (rate_class: RateClass, dimension: Dimension): Policy => {
    const name = nameOf(rate_class, dimension)
    return { name, counter: limiters ? redisCounter(clock, limiters, name) : memoryCounter(clock) }
  }
  const ofClass = (rate_class: RateClass) =>
    Object.fromEntries(DIMENSIONS.map((dimension) => [dimension, policyOf(rate_class, dimension)]))
  return Object.fromEntries(RATE_CLASSES.map((rate_class) => [rate_class, ofClass(rate_class)])) as Policies
}

function nameOf(rate_class: RateClass, dimension: Dimension): string {
  return `${rate_class}-${dimension}`.replaceAll('_', '-')
}

/** Which policies bind whom. */
const BINDING = {
  stranger: ['per_network'],
  user: ['per_network', 'per_user'],
  key: ['per_network', 'per_key', 'per_user'],
} as const satisfies Record<string, readonly Dimension[]>

type Kind = keyof typeof BINDING

/** Texts already made, by what the setting answers: the same object until it is changed. */
const texts = new WeakMap<RateLimit, Partial<Record<Kind, string>>>()

/** `"reading-per-network";q=6000;w=10, …`: every policy that binds such a caller. */
function policiesText(limit: RateLimit, rate_class: RateClass, kind: Kind): string {
  const known = texts.get(limit) ?? {}
  texts.set(limit, known)
  known[kind] ??= BINDING[kind]
    .filter((dimension) => limit[dimension] !== null)
    .map((dimension) => `"${nameOf(rate_class, dimension)}";q=${limit[dimension]};w=${limit.window_seconds}`)
    .join(', ')
  return known[kind]
}
