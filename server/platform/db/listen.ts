import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { backoff_ms } from '#server/kit/backoff.ts'
import type { Clock } from '#server/kit/clock.ts'
import type { Log } from '../telemetry/log.ts'
import type { Db } from './database.ts'

/** How often the connection is asked whether it still lives. Four trivial statements a second buy a known age of what was heard. */
const HEARTBEAT_MS = 250
/** A heartbeat without an answer for so long means that the connection is gone, though nobody closed it. */
const HEARTBEAT_TIMEOUT_MS = 2_000
const CONNECT_TIMEOUT_MS = 5_000
const RECONNECT = { base_ms: 100, max_ms: 5_000 }

/** A connection that hears what is notified on one channel, and knows how fresh its knowledge is. Moments are `clock.monotonic_ms()`. */
export interface Listener {
  /** Since when nothing can have been missed; undefined while the connection is down. */
  listeningSince(): number | undefined
  /** All that was committed before this moment has been handed to `onNotification`. Only while listening. */
  confirmedAt(): number
  close(): Promise<void>
}

/**
 * Listens on `channel` over a connection of its own, and connects again when it breaks. Notifications of the time between are lost:
 * who depends on them looks at `listeningSince`. Answers after the first attempt to connect, whether or not it succeeded.
 */
export async function listen(
  app: { db: Db; clock: Clock; log: Log },
  channel: string,
  onNotification: (payload: string) => void,
): Promise<Listener> {
  const closing = new AbortController()
  let listening_since: number | undefined
  let confirmed_at = 0
  let failures = 0

  async function serve(onAttempt: () => void): Promise<void> {
    const client = new pg.Client({
      ...app.db.pool.options,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: HEARTBEAT_TIMEOUT_MS,
    })
    // Without a listener an error of the idle connection would end the process; the next heartbeat meets it too.
    client.on('error', (error) => app.log.debug({ err: error, channel }, 'listening connection failed'))
    client.on('notification', (message) => onNotification(message.payload ?? ''))
    try {
      await client.connect()
      await client.query(`listen ${client.escapeIdentifier(channel)}`)
      confirmed_at = app.clock.monotonic_ms()
      listening_since = confirmed_at
      failures = 0
      onAttempt()
      while (!closing.signal.aborted) {
        await pause(HEARTBEAT_MS, closing.signal)
        const asked_at = app.clock.monotonic_ms()
        await client.query('select 1')
        confirmed_at = asked_at
      }
    } finally {
      listening_since = undefined
      // A connection that hangs may never say good-bye; the process does not wait for it.
      await Promise.race([client.end(), delay(HEARTBEAT_TIMEOUT_MS, undefined, { ref: false })])
    }
  }

  async function run(onAttempt: () => void): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        await serve(onAttempt)
      } catch (error) {
        if (closing.signal.aborted) return
        app.log.warn({ err: error, channel }, 'listening connection lost; connecting again')
        onAttempt()
        failures += 1
        await pause(backoff_ms(failures, RECONNECT), closing.signal)
      }
    }
  }

  let running: Promise<void> = Promise.resolve()
  await new Promise<void>((resolve) => {
    running = run(resolve)
  })
  return {
    listeningSince: () => listening_since,
    confirmedAt: () => confirmed_at,
    close: async () => {
      closing.abort()
      await running
    },
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { signal })
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
