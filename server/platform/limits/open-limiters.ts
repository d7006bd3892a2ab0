import { Redis } from 'ioredis'
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible'
import type { Clock } from '#server/kit/clock.ts'
import { redisConnection } from '../cache/redis.ts'
import type { Config } from '../config/config.ts'
import type { Log } from '../telemetry/log.ts'

/** Points that may be taken of a key in a window, which begins with the first of them. */
export interface Window {
  /** Unique in the house: windows of one name and key are one, in all processes. */
  name: string
  points: number
  duration_s: number
}

/** What became of a wish for a point. */
export interface Taken {
  allowed: boolean
  /** Points taken in this window, with this one. */
  taken: number
  /** Until the window ends. */
  resets_in_ms: number
}

/** Counts one window by key. */
export interface Limiter {
  /** Takes a point, also where none is left: `allowed` tells. Never throws. */
  take(key: string): Promise<Taken>
  /** Gives a point back. */
  giveBack(key: string): Promise<void>
  /** Forgets what was taken. */
  forget(key: string): Promise<void>
}

export interface Limiters {
  limiter(window: Window): Limiter
  close(): Promise<void>
}

/** A Redis that hangs, or is away, is left alone for so long, lest each attempt wait for its time-out. */
const REDIS_REST_MS = 2_000

/**
 * Counters of attempts: shared by all processes through Redis where it is configured, otherwise this process's own. While Redis does not answer each process counts for itself, so that limits go on to
 * hold, a little wider, and nobody is kept waiting.
 */
export function openLimiters(app: { config: Pick<Config, 'redis_url'>; clock: Clock; log: Log }): Limiters {
  const { redis_url } = app.config
  const redis = redis_url === undefined ? undefined : connect(redis_url, app.log)
  let rests_until_ms = Number.NEGATIVE_INFINITY

  /** What `use` makes of the counter in Redis; of the one in memory while Redis is away. */
  function counting(memory: RateLimiterMemory, shared: RateLimiterRedis): Counting {
    return async (use) => {
      if (app.clock.monotonic_ms() < rests_until_ms) return use(memory)
      try {
        return await use(shared)
      } catch (error) {
        if (error instanceof RateLimiterRes) throw error
        rests_until_ms = app.clock.monotonic_ms() + REDIS_REST_MS
        return use(memory)
      }
    }
  }

  return {
    limiter: ({ name, points, duration_s }) => {
      const options = { keyPrefix: `saldo:limit:${name}`, points, duration: duration_s }
      const memory = new RateLimiterMemory(options)
      if (!redis) return limiterOf((use) => use(memory))
      const shared = new RateLimiterRedis({ ...options, storeClient: redis, rejectIfRedisNotReady: true })
      return limiterOf(counting(memory, shared))
    },
    close: async () => {
      redis?.disconnect()
    },
  }
}

function connect(url: string, log: Log): Redis {
  const redis = new Redis({
    ...redisConnection(url),
    enableOfflineQueue: false,
    // The counts of all requests of one turn leave in one write.
    enableAutoPipelining: true,
  })
  let told = false
  redis.on('error', (err) => {
    if (!told) log.warn({ err }, 'Redis does not answer; limits are counted by each process')
    told = true
  })
  redis.on('ready', () => {
    told = false
  })
  return redis
}

type AnyLimiter = RateLimiterMemory | RateLimiterRedis
type Counting = <T>(use: (counter: AnyLimiter) => Promise<T>) => Promise<T>

function limiterOf(counting: Counting): Limiter {
  return {
    take: async (key) => {
      try {
        return takenOf(await counting((counter) => counter.consume(key)), true)
      } catch (refused) {
        if (refused instanceof RateLimiterRes) return takenOf(refused, false)
        throw refused
      }
    },
    giveBack: async (key) => {
      await counting((counter) => counter.reward(key))
    },
    forget: async (key) => {
      await counting((counter) => counter.delete(key))
    },
  }
}

function takenOf({ consumedPoints, msBeforeNext }: RateLimiterRes, allowed: boolean): Taken {
  return { allowed, taken: consumedPoints, resets_in_ms: msBeforeNext }
}
