import { setTimeout as wait } from 'node:timers/promises'
import pg from 'pg'
import { EmbeddedPostgresError, reasonIn } from './errors.ts'
import type { Ending } from './guarded-process.ts'
import { SUPERUSER } from './initialize-data.ts'

/** The database of Saldo. */
export const DATABASE = 'saldo'

/** The chosen port is another program's. */
export class PortTakenError extends Error {
  override name = 'PortTakenError'
}

/** Recovery replays at most max_wal_size, which a slow disk does in this time. */
const READY_MS = 10 * 60_000
/** After this, those who wait want to know why. */
const TELL_AFTER_MS = 3_000

const STILL_STARTING = '57P03'

/** Where a PostgreSQL that was started is to answer. */
export interface Awaited {
  readonly process: { readonly ended: Promise<Ending | undefined> }
  /** The private folder of the socket: on a port, a stranger might answer. */
  readonly socket_directory: string
  readonly port: number
  readonly password: string
  readonly log_file: string
  readonly onProgress: (text: string) => void
}

/**
 * Comes when PostgreSQL answers and has the database `saldo`, which is made when it is missing.
 * Throws PortTakenError, and EmbeddedPostgresError with the log's last lines when PostgreSQL ends instead.
 */
export async function waitUntilReady(awaited: Awaited): Promise<void> {
  const started = performance.now()
  let told = false
  let ended = false
  const end = awaited.process.ended.then((ending) => {
    ended = true
    return ending
  })
  while (!(await answers(awaited))) {
    await Promise.race([end, wait(50)])
    if (ended) throw endedInstead(awaited, await end)
    const waited_ms = performance.now() - started
    if (waited_ms > READY_MS) {
      throw new EmbeddedPostgresError(
        `PostgreSQL does not answer after ${READY_MS / 60_000} minutes; see ${awaited.log_file}.`,
      )
    }
    if (waited_ms > TELL_AFTER_MS && !told) {
      told = true
      awaited.onProgress('PostgreSQL is bringing its data back in order after it was cut off; this may take a while …')
    }
  }
}

async function answers(awaited: Awaited): Promise<boolean> {
  const client = new pg.Client({
    host: awaited.socket_directory,
    port: awaited.port,
    user: SUPERUSER,
    password: awaited.password,
    database: 'postgres',
    connectionTimeoutMillis: 5_000,
  })
  // A connection that breaks later has served its purpose; the query's own failure is thrown.
  client.on('error', () => {})
  try {
    await client.connect()
    const there = await client.query('select 1 from pg_database where datname = $1', [DATABASE])
    if (there.rowCount === 0) await client.query(`create database ${DATABASE}`)
    return true
  } catch (error) {
    if (error instanceof pg.DatabaseError && error.code !== STILL_STARTING) {
      throw new EmbeddedPostgresError(`PostgreSQL started, but refuses us: ${error.message}`, { cause: error })
    }
    return false
  } finally {
    await client.end()
  }
}

function endedInstead(awaited: Awaited, ending: Ending | undefined): Error {
  const lines = ending?.lines ?? ''
  if (/could not create any TCP\/IP sockets/.test(lines)) return new PortTakenError(`port ${awaited.port} is taken`)
  return new EmbeddedPostgresError(
    `PostgreSQL did not start: ${reasonIn(lines)}. The end of ${awaited.log_file}:\n${lines}`,
  )
}
