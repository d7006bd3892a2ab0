import { BentoCache, bentostore, errors } from 'bentocache'
import { invariant } from '#server/kit/invariant.ts'
import { decodeJson, encodeJson } from '#server/kit/json.ts'
import type { Log } from '../telemetry/log.ts'
import type { Cache } from './cache.ts'
import { redisLayers } from './redis.ts'
import { referenceDriver } from './reference-driver.ts'

export interface CacheOptions {
  /** With it, processes share what is cached and forget together. */
  redis_url?: string | undefined
  log: Log
}

/** Entries in memory; the least recently used go first. */
const ITEMS_MAX = 10_000

/** After a failure Redis is left alone for so long, lest each look-up wait for its time-out. */
const REDIS_REST_MS = 5_000

/** A look-up under way, shared by all who ask for its key meanwhile. */
interface Flight {
  value: Promise<unknown>
  /** `forget` came meanwhile: what is being loaded may be out of date and is not kept. */
  forgotten: boolean
}

/**
 * Opens the cache. Values are frozen, since all callers share them, and made of plain objects, lists, texts, numbers, bigint: through
 * Redis a Date or a Map does not survive. Throws RedisUnavailableError when `redis_url` is given and Redis cannot be used.
 */
export async function openCache({ redis_url, log }: CacheOptions): Promise<Cache> {
  const flights = new Map<string, Flight>()
  const redis = redis_url === undefined ? undefined : await redisLayers(redis_url)
  const bento = openBento(redis, log)
  // Another process forgot the key: it is gone from memory and from Redis, and what is being loaded is not kept either.
  bento.on('bus:message:received', ({ message }) => {
    for (const key of message.keys) abandon(key)
  })

  function abandon(key: string): Flight | undefined {
    const flight = flights.get(key)
    if (flight !== undefined) flight.forgotten = true
    flights.delete(key)
    return flight
  }

  async function lookUp<T>(flight: Flight, key: string, ttl_ms: number, load: () => Promise<T>): Promise<T> {
    let loaded: { value: T } | undefined
    try {
      const kept = await bento.getOrSet<{ value: T } | undefined>({
        key,
        ttl: ttl_ms,
        factory: async ({ skip }) => {
          loaded = { value: await load() }
          return flight.forgotten ? skip() : loaded
        },
      })
      const found = kept ?? loaded
      invariant(found !== undefined, 'the cache answered nothing')
      return frozen(found.value)
    } catch (error) {
      throw error instanceof errors.E_FACTORY_ERROR ? error.cause : error
    }
  }

  return {
    getOrLoad: <T>(key: string, ttl_ms: number, load: () => Promise<T>) => {
      invariant(ttl_ms > 0, 'getOrLoad: ttl_ms is above zero')
      const known = flights.get(key)
      if (known !== undefined) return known.value as Promise<T>
      const flight: Flight = { forgotten: false, value: Promise.resolve() }
      const value = lookUp(flight, key, ttl_ms, load).finally(() => {
        if (flights.get(key) === flight) flights.delete(key)
      })
      flight.value = value
      flights.set(key, flight)
      return value
    },
    forget: async (key) => {
      const flight = abandon(key)
      await bento.delete({ key })
      if (flight === undefined) return
      // It may have been storing its value just then.
      await Promise.allSettled([flight.value])
      await bento.delete({ key })
    },
    close: async () => {
      redis?.leave()
      try {
        await bento.disconnectAll()
      } catch (err) {
        log.warn({ err }, 'the cache did not part from Redis in good order')
      }
    },
  }
}

function openBento(redis: Awaited<ReturnType<typeof redisLayers>> | undefined, log: Log) {
  const memory = bentostore().useL1Layer(referenceDriver(ITEMS_MAX))
  return new BentoCache({
    default: 'main',
    prefix: 'saldo',
    serializer: { serialize: encodeJson, deserialize: decodeJson },
    l2CircuitBreakerDuration: REDIS_REST_MS,
    // It tells each look-up, too; a load that fails is its caller's to log.
    logger: log.child({}, { level: log.level === 'silent' ? 'silent' : 'error' }),
    stores: { main: redis === undefined ? memory : memory.useL2Layer(redis.shared).useBus(redis.bus) },
  })
}

/** Freezes plain objects and lists to their depth; what is frozen already is taken to be so throughout. */
function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  Object.freeze(value)
  for (const part of Object.values(value)) frozen(part)
  return value
}
