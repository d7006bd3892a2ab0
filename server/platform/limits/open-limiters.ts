import { Redis } from 'ioredis'
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible'
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

/**
 * Counters of attempts: shared by all processes through Redis where it is configured, otherwise this process's own. While Redis does not answer each process counts for itself, so that limits go on to
 * hold, a little wider, and nobody is kept waiting.
 */
export function openLimiters(app: { config: Pick<Config, 'redis_url'>; log: Log }): Limiters {
  const { redis_url } = app.config
  const redis = redis_url === undefined ? undefined : connect(redis_url, app.log)
  return {
    limiter: ({ name, points, duration_s }) => {
      const options = { keyPrefix: `saldo:limit:${name}`, points, duration: duration_s }
      const memory = new RateLimiterMemory(options)
      if (!redis) return limiterOf(memory)
      const shared = { storeClient: redis, rejectIfRedisNotReady: true, insuranceLimiter: memory }
      return limiterOf(new RateLimiterRedis({ ...options, ...shared }))
    },
    close: async () => {
      redis?.disconnect()
    },
  }
}

function connect(url: string, log: Log): Redis {
  const redis = new Redis({ ...redisConnection(url), enableOfflineQueue: false })
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

function limiterOf(counter: RateLimiterMemory | RateLimiterRedis): Limiter {
  return {
    take: async (key) => {
      try {
        return takenOf(await counter.consume(key), true)
      } catch (refused) {
        if (refused instanceof RateLimiterRes) return takenOf(refused, false)
        throw refused
      }
    },
    giveBack: async (key) => {
      await counter.reward(key)
    },
    forget: async (key) => {
      await counter.delete(key)
    },
  }
}

function takenOf({ consumedPoints, msBeforeNext }: RateLimiterRes, allowed: boolean): Taken {
  return { allowed, taken: consumedPoints, resets_in_ms: msBeforeNext }
}
