import { encodeJson } from '#server/kit/json.ts'
import { dateArray, plainArray, textArray } from '../db/arrays.ts'
import { type Db, statement, type Tx } from '../db/database.ts'
import { emit } from '../outbox/emit.ts'
import { type CriticalError, criticalError } from './events.ts'
import type { FailureOrigin } from './failure-memory.ts'
import type { Occurrences } from './waiting-failures.ts'

/** Kinds of failure that are kept. There are as many as there are places at fault; a table full of them is no list any more. */
const FAILURES_MAX = 2_000

/** A failure that comes back after an hour is told again: whoever was told the first time may have taken it for a single one. */
export const QUIET_MS = 60 * 60_000

/** Any fixed number: those who write failures take turns, so that one occurrence is the first. */
const WRITER = 7_252_042

const takeTurn = statement(`select pg_advisory_xact_lock(${WRITER})`)

const readKnown = statement(`
  select fingerprint, last_at, resolved_at from platform.failure where fingerprint = any($1::text[])`)

const countKnown = statement('select count(*)::int as known from platform.failure')

const upsert = statement(`
  insert into platform.failure as failure
    (fingerprint, kind, name, error, place, message, stack, occurrences, first_at, last_at, correlation, request_id, process, release)
  select fingerprint, kind, name, error, place, message, stack, occurrences, first_at, last_at, correlation, request_id, $13, $14
  from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::timestamptz[],
    $10::timestamptz[], $11::json[], $12::text[])
    as new (fingerprint, kind, name, error, place, message, stack, occurrences, first_at, last_at, correlation, request_id)
  on conflict on constraint failure_once do update set
    name = excluded.name, message = excluded.message, stack = excluded.stack, correlation = excluded.correlation,
    request_id = coalesce(excluded.request_id, failure.request_id), process = excluded.process, release = excluded.release,
    occurrences = failure.occurrences + excluded.occurrences,
    first_at = least(failure.first_at, excluded.first_at), last_at = greatest(failure.last_at, excluded.last_at),
    reopened = failure.reopened + case when failure.resolved_at < excluded.last_at then 1 else 0 end,
    resolved_by = case when failure.resolved_at >= excluded.last_at then failure.resolved_by end,
    resolved_at = case when failure.resolved_at >= excluded.last_at then failure.resolved_at end
  returning id, fingerprint, occurrences`)

interface Known {
  fingerprint: string
  last_at: Date
  resolved_at: Date | null
}

/**
 * Writes what occurred of each failure: counts on, keeps the last as the sample, opens again what was resolved before it, and emits `errors.critical` for
 * what had not occurred in a while. Answers how many occurrences were not taken, because the table is full. Throws what the database throws.
 */
export async function writeFailures(db: Db, failures: readonly Occurrences[], origin: FailureOrigin): Promise<number> {
  if (failures.length === 0) return 0
  return db.transaction(async (tx) => {
    tx.send(takeTurn)
    const fingerprints = textArray(failures.map((each) => each.fingerprint))
    const known = new Map((await tx.query<Known>(readKnown, [fingerprints])).map((row) => [row.fingerprint, row]))
    const [counted] = await tx.query<{ known: number }>(countKnown)
    let room = Math.max(0, FAILURES_MAX - (counted?.known ?? 0))
    const taken = failures.filter((each) => known.has(each.fingerprint) || room-- > 0)
    const rows = await write(tx, taken, origin)
    const told = taken.flatMap((each) => toldOf(each, known.get(each.fingerprint), rows.get(each.fingerprint), origin))
    emit(tx, criticalError, told)
    return countOf(failures) - countOf(taken)
  })
}

interface Written {
  id: bigint
  fingerprint: string
  occurrences: bigint
}

async function write(tx: Tx, failures: readonly Occurrences[], origin: FailureOrigin): Promise<Map<string, Written>> {
  const rows = await tx.query<Written>(upsert, [
    textArray(failures.map((each) => each.fingerprint)),
    textArray(failures.map((each) => each.kind)),
    textArray(failures.map((each) => cut(each.name, 200))),
    textArray(failures.map((each) => each.error)),
    textArray(failures.map((each) => each.place)),
    textArray(failures.map((each) => each.message)),
    textArray(failures.map((each) => each.stack)),
    plainArray(failures.map((each) => each.count)),
    dateArray(failures.map((each) => each.first_at)),
    dateArray(failures.map((each) => each.last_at)),
    textArray(failures.map((each) => correlationOf(each))),
    textArray(failures.map((each) => requestIdOf(each))),
    origin.process,
    origin.release,
  ])
  return new Map(rows.map((row) => [row.fingerprint, row]))
}

function toldOf(
  failure: Occurrences,
  before: Known | undefined,
  written: Written | undefined,
  origin: FailureOrigin,
): CriticalError[] {
  const why = whyTold(failure, before)
  if (why === undefined || written === undefined) return []
  const { kind, error, message, last_at } = failure
  const { id: failure_id, occurrences } = written
  const name = cut(failure.name, 200)
  const request_id = requestIdOf(failure) ?? null
  return [{ failure_id, why, kind, name, error, message, occurrences, request_id, ...origin, at: last_at }]
}

function whyTold(failure: Occurrences, before: Known | undefined): CriticalError['why'] | undefined {
  if (!before) return 'new'
  if (before.resolved_at !== null) return before.resolved_at < failure.last_at ? 'reopened' : undefined
  return failure.first_at.getTime() - before.last_at.getTime() >= QUIET_MS ? 'again' : undefined
}

/** A job's ids may have come with it from anywhere. */
function correlationOf({ correlation }: Occurrences): string {
  const text = encodeJson(correlation)
  return text.length <= 1_000 ? text : '{}'
}

function requestIdOf({ correlation: { request_id } }: Occurrences): string | undefined {
  return request_id === undefined ? undefined : cut(request_id, 100)
}

function cut(text: string, chars_max: number): string {
  return text.replaceAll('\0', '').toWellFormed().slice(0, chars_max).toWellFormed()
}

function countOf(failures: readonly Occurrences[]): number {
  return failures.reduce((sum, each) => sum + each.count, 0)
}
