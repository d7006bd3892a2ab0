import type { Db } from '#server/platform/db/database.ts'
import { SearchTooWideError } from './errors.ts'

/** Which acts are looked for: all that is given must hold. */
export interface ActFilter {
  user_id?: bigint
  actor_kind?: 'user' | 'system' | 'command'
  key_id?: bigint
  /** `users.blocked`, or with `*` at the end all that begin like it: `users.*`. */
  action?: string
  subject_kind?: string
  subject_id?: string
  /** An address, or a network: `192.0.2.0/24`. */
  ip?: string
  request_id?: string
  /** Its reason has all of these words, or words that begin like them; at most WORDS_MAX. */
  reason?: string
  /** Not before this. */
  from?: Date
  /** Before this. */
  to?: Date
}

/** An act as it was recorded. */
export interface RecordedAct {
  id: bigint
  /** To the microsecond, as JSON writes it; for cursors. */
  at: string
  action: string
  actor_kind: 'user' | 'system' | 'command'
  user_id: bigint | null
  via: 'session' | 'key' | null
  key_id: bigint | null
  ip: string | null
  request_id: string | null
  user_agent: string | null
  subject_kind: string | null
  subject_id: string | null
  before: unknown
  after: unknown
  reason: string | null
  /** Its number in the chain; null for the moment until it is sealed. */
  number: bigint | null
}

/** The last act that was shown. */
export type ActCursor = Pick<RecordedAct, 'at' | 'id'>

/** Acts read at once. */
export const ACTS_PAGE_MAX = 1_000

/** Words of a reason that are looked for. */
const WORDS_MAX = 10

/** A search that no index serves well is given up rather than taking the database from those who work on it. */
const SEARCH_TIMEOUT_MS = 15_000

/**
 * A page of acts, newest first, behind the one named by `after`; and whether there are more. Throws SearchTooWideError when it takes too long.
 */
export async function searchActs(
  db: Db,
  filter: ActFilter,
  page: { limit: number; after?: ActCursor },
): Promise<{ acts: RecordedAct[]; has_more: boolean }> {
  const size = Math.min(page.limit, ACTS_PAGE_MAX)
  const { sql, values } = searchSql(filter, { limit: size + 1, ...(page.after && { after: page.after }) })
  const acts = await db.transaction(async (tx) => {
    // Which index serves best depends on what is asked for, so each search is planned by its own values.
    tx.send(`select set_config('plan_cache_mode', 'force_custom_plan', true), set_config('jit', 'off', true),
      set_config('statement_timeout', '${SEARCH_TIMEOUT_MS}', true)`)
    return tx.query<RecordedAct>(sql, values).catch((error: { code?: string }) => {
      throw error.code === CANCELLED ? new SearchTooWideError() : error
    })
  })
  return { acts: acts.slice(0, size), has_more: acts.length > size }
}

const CANCELLED = '57014'

/** The statement of a search, for those who want to see its plan too. */
export function searchSql(
  filter: ActFilter,
  page: { limit: number; after?: ActCursor },
): { sql: string; values: unknown[] } {
  const values: unknown[] = []
  const value = (given: unknown) => `$${values.push(given)}`
  const conditions = conditionsOf(filter, page.after, value)
  const where = conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`
  const sql = `
    with act as (
      select * from audit.act ${where} order by act.at desc, act.id desc limit ${value(page.limit)}
    )
    select act.id, to_json(act.at) #>> '{}' as at, action, actor_kind, user_id, via, key_id, host(ip) as ip, request_id, user_agent,
      subject_kind, subject_id, before, after, reason, sealed_act.number
    from act left join audit.sealed_act on sealed_act.act = act.id
    order by act.at desc, act.id desc`
  return { sql, values }
}

function conditionsOf(filter: ActFilter, after: ActCursor | undefined, value: (given: unknown) => string): string[] {
  const { user_id, actor_kind, key_id, action, subject_kind, subject_id, ip, request_id, reason, from, to } = filter
  const all = [
    user_id !== undefined && `user_id = ${value(user_id)}`,
    actor_kind !== undefined && `actor_kind = ${value(actor_kind)}`,
    key_id !== undefined && `key_id = ${value(key_id)}`,
    action !== undefined && actionCondition(action, value),
    subject_kind !== undefined && `subject_kind = ${value(subject_kind)}`,
    subject_id !== undefined && `subject_id = ${value(subject_id)}`,
    ip !== undefined && `ip <<= ${value(ip)}::inet`,
    request_id !== undefined && `request_id = ${value(request_id)}`,
    reason !== undefined && `audit.words(reason) @@ to_tsquery('simple', ${value(wordsQuery(reason))})`,
    from !== undefined && `at >= ${value(from)}`,
    to !== undefined && `at < ${value(to)}`,
    // The first bound is what an index or a partition is found by.
    after !== undefined &&
      `at <= ${value(after.at)}::timestamptz and (at, id) < (${value(after.at)}::timestamptz, ${value(after.id)})`,
  ]
  return all.filter((each) => each !== false)
}

/** Beginnings as a range, which the index serves; no action has a letter beyond `~`. */
function actionCondition(action: string, value: (given: unknown) => string): string {
  if (!action.endsWith('*')) return `action = ${value(action)}`
  const start = action.slice(0, -1)
  return `(action >= ${value(start)} and action < ${value(`${start}~`)})`
}

/** The words that are looked for in a reason; none when the text has no letter and no digit. */
export function wordsOf(text: string): string[] {
  return text.split(/[^\p{L}\p{M}\p{N}]+/u).filter((word) => word !== '')
}

function wordsQuery(text: string): string {
  return wordsOf(text)
    .slice(0, WORDS_MAX)
    .map((word) => `'${word}':*`)
    .join(' & ')
}
