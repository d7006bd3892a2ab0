import { invariant } from '#server/kit/invariant.ts'
import { decodeJson } from '#server/kit/json.ts'
import { plainArray } from '../db/arrays.ts'
import { type Db, statement, type Tx } from '../db/database.ts'

/** A job or an event that was given up, for a person to replay or drop. */
export interface DeadLetter {
  readonly id: bigint
  readonly kind: 'job' | 'event'
  /** Name of the job, or type of the event. */
  readonly name: string
  readonly subject: string
  readonly payload: unknown
  readonly error: string
  readonly attempts: number
  /** What to look for in the logs. */
  readonly correlation: Readonly<Record<string, string>>
  readonly first_at: Date
  readonly last_at: Date
  readonly state: 'waiting' | 'replayed' | 'dropped'
  readonly settled_at: Date | null
}

export interface DeadLetterFilter {
  state?: DeadLetter['state']
  kind?: DeadLetter['kind']
  name?: string
  /** Only letters older than the one with this id, to read on from a page. */
  before?: bigint
  /** At most DEAD_LETTERS_MAX. */
  limit?: number
}

/** Letters a page, and letters settled at once. */
const DEAD_LETTERS_MAX = 500

const LIST = statement(`
select id, kind, name, subject, payload::text as payload, error, attempts, correlation, first_at, last_at, state, settled_at
from platform.dead_letter
where ($1::text is null or state = $1) and ($2::text is null or kind = $2) and ($3::text is null or name = $3)
  and ($4::bigint is null or id < $4)
order by id desc limit $5`)

// Whoever comes second waits for the row and then finds it settled.
const SETTLE = statement(`
update platform.dead_letter set state = $2, settled_at = now()
where id = any(array(select id from platform.dead_letter where id = any($1::bigint[]) and state = 'waiting' order by id for update))
returning id, kind`)

const REPLAY_JOBS = statement(`
select from platform.dead_letter letter,
  graphile_worker.add_job(
    letter.name, max_attempts := letter.attempts_max,
    payload := case when letter.payload is null then json_build_object('correlation', letter.correlation)
      else json_build_object('payload', letter.payload, 'correlation', letter.correlation) end)
where letter.id = any($1::bigint[])`)

const REPLAY_EVENTS = statement(`
insert into platform.outbox (type, subject, payload)
select name, subject, payload from platform.dead_letter where id = any($1::bigint[]) order by id`)

/** Dead letters, newest first. */
export async function listDeadLetters(db: Db, filter: DeadLetterFilter = {}): Promise<DeadLetter[]> {
  const { state = null, kind = null, name = null, before = null, limit = DEAD_LETTERS_MAX } = filter
  const page = Math.min(limit, DEAD_LETTERS_MAX)
  const rows = await db.query<DeadLetter & { payload: string | null }>(LIST, [state, kind, name, before, page])
  return rows.map((row) => ({ ...row, payload: row.payload === null ? undefined : decodeJson(row.payload) }))
}

/**
 * Puts the waiting ones of these back: a job into the queue with all its attempts, an event into the outbox. Answers the ids replayed; one settled
 * before, though a moment ago by another, is not among them. Takes at most DEAD_LETTERS_MAX.
 */
export async function replayDeadLetters(tx: Tx, ids: readonly bigint[]): Promise<bigint[]> {
  const settled = await settle(tx, ids, 'replayed')
  const idsOf = (kind: DeadLetter['kind']) => settled.filter((row) => row.kind === kind).map((row) => row.id)
  const jobs = idsOf('job')
  const events = idsOf('event')
  if (jobs.length > 0) tx.send(REPLAY_JOBS, [plainArray(jobs)])
  if (events.length > 0) tx.send(REPLAY_EVENTS, [plainArray(events)])
  return settled.map((row) => row.id)
}

/** Gives the waiting ones of these up for good. Answers the ids dropped. They stay listed until they are swept. */
export async function dropDeadLetters(tx: Tx, ids: readonly bigint[]): Promise<bigint[]> {
  const settled = await settle(tx, ids, 'dropped')
  return settled.map((row) => row.id)
}

async function settle(tx: Tx, ids: readonly bigint[], state: 'replayed' | 'dropped') {
  invariant(ids.length <= DEAD_LETTERS_MAX, `more than ${DEAD_LETTERS_MAX} dead letters at once`)
  if (ids.length === 0) return []
  return tx.query<{ id: bigint; kind: DeadLetter['kind'] }>(SETTLE, [plainArray(ids), state])
}
