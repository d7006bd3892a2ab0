/** REDIS_URL is set, but Redis does not answer or its client is not installed. */
export class RedisUnavailableError extends Error {
  override name = 'RedisUnavailableError'
}

/** A cache that does not answer in this time is worse than none; the caller then loads for itself. */
const COMMAND_TIMEOUT_MS = 1_000
const CONNECT_TIMEOUT_MS = 5_000
const RECONNECT_MAX_MS = 5_000

/**
 * The cache's layers in Redis: what processes share, and the bus on which they tell one another what to forget.
 * Throws RedisUnavailableError unless Redis answers now; later failures are the cache's to survive.
 */
export async function redisLayers(url: string) {
  const { redisDriver, redisBusDriver } = await loadDriver()
  let leaving = false
  const connection = {
    ...redisConnection(url),
    // For ever, and ever less often: the client complains at each attempt.
    retryStrategy: (attempts: number) => (leaving ? null : Math.min(attempts * 200, RECONNECT_MAX_MS)),
  }
  await probe(redisDriver, connection)
  return {
    shared: redisDriver({ connection }),
    bus: redisBusDriver({ connection }),
    /** Connections that are down are not made again: call it before closing. */
    leave: () => {
      leaving = true
    },
  }
}

async function loadDriver() {
  try {
    return await import('bentocache/drivers/redis')
  } catch (cause) {
    throw new RedisUnavailableError('REDIS_URL is set, but the package ioredis is not installed', { cause })
  }
}

type Driver = Awaited<ReturnType<typeof loadDriver>>
type Connection = ReturnType<typeof redisConnection>

async function probe(redisDriver: Driver['redisDriver'], connection: Connection): Promise<void> {
  const options = { connection: { ...connection, retryStrategy: () => null } }
  const driver = redisDriver(options).factory(options)
  try {
    await driver.get('saldo:probe')
  } catch (cause) {
    throw new RedisUnavailableError(`REDIS_URL is set, but Redis does not answer: ${(cause as Error).message}`, {
      cause,
    })
  } finally {
    await driver.disconnect()
  }
}

/** How a client of ours connects to the Redis of `url`. */
export function redisConnection(url: string) {
  const { hostname, port, username, password, pathname, protocol } = new URL(url)
  return {
    host: hostname,
    port: port === '' ? 6379 : Number(port),
    ...(username === '' ? {} : { username: decodeURIComponent(username) }),
    ...(password === '' ? {} : { password: decodeURIComponent(password) }),
    db: Number(pathname.slice(1) || 0),
    ...(protocol === 'rediss:' ? { tls: {} } : {}),
    connectTimeout: CONNECT_TIMEOUT_MS,
    commandTimeout: COMMAND_TIMEOUT_MS,
    maxRetriesPerRequest: 1,
  }
}
