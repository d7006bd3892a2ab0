import { dateArray, plainArray, textArray } from '#server/platform/db/arrays.ts'
import { type Db, statement } from '#server/platform/db/database.ts'
import type { Log } from '#server/platform/telemetry/log.ts'
import type { Metrics } from '#server/platform/telemetry/metrics.ts'

/** What the table keeps of a request, an answer and an outcome, in characters. */
export const LOGGED_MAX = { request: 2_000, response: 4_000, outcome: 60 } as const

/** How long a call may wait in memory before it is written. */
const FLUSH_MS = 200

/** Calls in one insert: a few hundred take the database as long as one. */
const BATCH_MAX = 500

/** Calls kept while the database does not take them: about 20 MB at the worst. Beyond, calls are dropped, counted and logged. */
const WAITING_MAX = 4_000

/** Tries to write one batch before it is dropped, counted and logged. */
const TRIES_MAX = 5

/** One call to a provider, masked. */
export interface CallRecord {
  at: Date
  provider_id: bigint
  order_id: bigint | undefined
  action: string
  request: string
  response: string
  http_status: number | undefined
  outcome: string
  duration_ms: number
}

/** Writes calls in batches, beside the work that makes them. */
export interface CallLog {
  /** Takes one call; never waits and never throws. */
  record(call: CallRecord): void
  /** Writes all that was recorded. */
  close(): Promise<void>
}

const INSERT_CALLS = statement(`
  insert into providers.call_log
    (at, provider_id, order_id, action, request, response, http_status, outcome, duration_ms)
  select * from unnest($1::timestamptz[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::int[], $8::text[], $9::int[])`)

/** Opens the call log. `close` before the database closes. */
export function openCallLog(deps: { db: Db; log: Log; metrics: Metrics }): CallLog {
  const dropped = deps.metrics.counter(
    'saldo_provider_calls_unlogged_total',
    'Calls to providers that the call log lost, because the database did not take them in time.',
  )
  let waiting: CallRecord[] = []
  let lost = 0
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> | undefined

  function lose(calls: number): void {
    dropped.inc(calls)
    lost += calls
  }

  async function write(): Promise<void> {
    for (let tries = 1; waiting.length > 0; tries++) {
      const batch = waiting.slice(0, BATCH_MAX)
      try {
        await insertCalls(deps.db, batch)
        tries = 0
      } catch (error) {
        deps.log.error({ err: error, calls: batch.length, tries }, 'the call log could not be written')
        if (tries < TRIES_MAX) {
          await new Promise((resolve) => setTimeout(resolve, FLUSH_MS * tries))
          continue
        }
        lose(batch.length)
        tries = 0
      }
      waiting = waiting.slice(batch.length)
    }
    if (lost > 0) deps.log.error({ calls: lost }, 'calls to providers are missing in the call log')
    lost = 0
  }

  function flush(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    writing ??= write().finally(() => {
      writing = undefined
    })
    return writing
  }

  return {
    record: (call) => {
      if (waiting.length >= WAITING_MAX) {
        lose(1)
        return
      }
      waiting.push(call)
      if (waiting.length >= BATCH_MAX) void flush()
      else timer ??= setTimeout(flush, FLUSH_MS)
    },
    close: async () => {
      await flush()
      // What came while the last batch was on its way.
      if (waiting.length > 0) await flush()
    },
  }
}

async function insertCalls(db: Db, calls: readonly CallRecord[]): Promise<void> {
  await db.query(INSERT_CALLS, [
    dateArray(calls.map((call) => call.at)),
    plainArray(calls.map((call) => call.provider_id)),
    plainArray(calls.map((call) => call.order_id)),
    textArray(calls.map((call) => call.action)),
    textArray(calls.map((call) => storable(call.request))),
    textArray(calls.map((call) => storable(call.response))),
    plainArray(calls.map((call) => call.http_status)),
    textArray(calls.map((call) => storable(call.outcome).slice(0, LOGGED_MAX.outcome))),
    plainArray(calls.map((call) => Math.max(0, Math.round(call.duration_ms)))),
  ])
}

/** PostgreSQL's text takes no NUL. */
function storable(text: string): string {
  return text.replaceAll('\0', '')
}
