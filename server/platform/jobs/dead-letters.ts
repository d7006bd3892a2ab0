import { invariant } from '#server/kit/invariant.ts'
import { decodeJson } from '#server/kit/json.ts'
import { plainArray } from '../db/arrays.ts'
import { type Db, statement, type Tx } from '../db/database.ts'
import { outboxWritten } from '../outbox/written.ts'

/** What becomes of a letter. */
export const LETTER_STATES = ['waiting', 'replayed', 'dropped'] as const
/** What was given up. */
export const LETTER_KINDS = ['job', 'event'] as const

/** A job or an event that was given up, for a person to replay or drop. */
export interface DeadLetter {
  readonly id: bigint
  readonly kind: (typeof LETTER_KINDS)[number]
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
  readonly state: (typeof LETTER_STATES)[number]
  readonly settled_at: Date | null
  /** `user:7`, `command`. */
  readonly settled_by: string | null
  readonly settled_reason: string | null
}

/** Which letters are meant: those for which all of this holds. */
export interface DeadLetterFilter {
  kind?: DeadLetter['kind'] | undefined
  name?: string | undefined
  /** A part of the error, in the same case. */
  error?: string | undefined
  /** Given up at this moment or later. */
  since?: Date | undefined
  /** Given up before this. */
  until?: Date | undefined
}

/** A page of a list. */
export interface DeadLetterPage extends DeadLetterFilter {
  state?: DeadLetter['state'] | undefined
  /** Only letters older than the one with this id, to read on from a page. */
  before?: bigint | undefined
  /** At most DEAD_LETTERS_MAX. */
  limit?: number | undefined
}

/** Who settles letters: `user:7`, `command`; and why. */
export interface SettledBy {
  actor: string
  reason?: string | undefined
}

/** Letters a page, and letters settled at once. */
export const DEAD_LETTERS_MAX = 500

const COLUMNS =
  'id, kind, name, subject, payload::text as payload, error, attempts, correlation, first_at, last_at, state, settled_at, settled_by, settled_reason'

const MEANT = `($1::text is null or kind = $1) and ($2::text is null or name = $2) and ($3::text is null or strpos(error, $3) > 0)
  and ($4::timestamptz is null or last_at >= $4) and ($5::timestamptz is null or last_at < $5)`

const LIST = statement(`
select ${COLUMNS} from platform.dead_letter
where ${MEANT} and ($6::text is null or state = $6) and ($7::bigint is null or id < $7)
order by id desc limit $8`)

const FIND = statement(`select ${COLUMNS} from platform.dead_letter where id = $1`)

const WAITING = statement(`
select id from platform.dead_letter where state = 'waiting' and ${MEANT} order by id limit $6`)

// Whoever comes second waits for the row and then finds it settled.
const SETTLE = statement(`
update platform.dead_letter set state = $2, settled_at = now(), settled_by = $3, settled_reason = $4
where id = any(array(select id from platform.dead_letter where id = any($1::bigint[]) and state = 'waiting' order by id for update))
returning id, kind, name`)

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
export async function listDeadLetters(db: Db, page: DeadLetterPage = {}): Promise<DeadLetter[]> {
  const { state = null, before = null, limit = DEAD_LETTERS_MAX } = page
  const values = [...meant(page), state, before, Math.min(limit, DEAD_LETTERS_MAX)]
  return (await db.query<Row>(LIST, values)).map(letterOf)
}

/** The letter of this number, settled ones too until they are swept; or undefined. */
export async function findDeadLetter(db: Db, id: bigint): Promise<DeadLetter | undefined> {
  const [row] = await db.query<Row>(FIND, [id])
  return row && letterOf(row)
}

/** The waiting letters that are meant, oldest first; at most `limit`. */
export async function waitingDeadLetters(tx: Tx, filter: DeadLetterFilter, limit: number): Promise<bigint[]> {
  const rows = await tx.query<{ id: bigint }>(WAITING, [...meant(filter), limit])
  return rows.map((row) => row.id)
}

/** A letter that was just settled. */
export type SettledLetter = Pick<DeadLetter, 'id' | 'kind' | 'name'>

/**
 * Puts the waiting ones of these back: a job into the queue with all its attempts, an event into the outbox. Answers those replayed; one settled
 * before, though a moment ago by another, is not among them. Takes at most DEAD_LETTERS_MAX.
 */
export async function replayDeadLetters(tx: Tx, ids: readonly bigint[], by: SettledBy): Promise<SettledLetter[]> {
  const settled = await settle(tx, ids, 'replayed', by)
  const idsOf = (kind: DeadLetter['kind']) => settled.filter((row) => row.kind === kind).map((row) => row.id)
  const jobs = idsOf('job')
  const events = idsOf('event')
  if (jobs.length > 0) tx.send(REPLAY_JOBS, [plainArray(jobs)])
  if (events.length > 0) {
    tx.send(REPLAY_EVENTS, [plainArray(events)])
    tx.onCommit(outboxWritten)
  }
  return settled
}

/** Gives the waiting ones of these up for good. Answers those dropped. They stay listed until they are swept. */
export async function dropDeadLetters(tx: Tx, ids: readonly bigint[], by: SettledBy): Promise<SettledLetter[]> {
  return settle(tx, ids, 'dropped', by)
}

async function settle(tx: Tx, ids: readonly bigint[], state: 'replayed' | 'dropped', { actor, reason }: SettledBy) {
  invariant(ids.length <= DEAD_LETTERS_MAX, `more than ${DEAD_LETTERS_MAX} dead letters at once`)
  if (ids.length === 0) return []
  return tx.query<SettledLetter>(SETTLE, [plainArray(ids), state, actor, reason ?? null])
}

function meant({ kind, name, error, since, until }: DeadLetterFilter): unknown[] {
  return [kind ?? null, name ?? null, error ?? null, since ?? null, until ?? null]
}

type Row = DeadLetter & { payload: string | null }

function letterOf(row: Row): DeadLetter {
  return { ...row, payload: row.payload === null ? undefined : decodeJson(row.payload) }
}
