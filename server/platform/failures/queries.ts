import { type Db, statement } from '../db/database.ts'

/** A failure that is remembered, with its last occurrence as the sample. */
export interface RememberedFailure {
  id: bigint
  fingerprint: string
  kind: string
  name: string
  error: string
  place: string
  message: string
  stack: string
  occurrences: bigint
  first_at: Date
  /** To the microsecond, as JSON writes it; for cursors. */
  last_at: string
  correlation: Readonly<Record<string, string>>
  request_id: string | null
  process: string
  release: string
  resolved_at: Date | null
  resolved_by: string | null
  reopened: number
}

export interface FailureFilter {
  /** Both when absent. */
  state?: 'open' | 'resolved'
  kind?: string
  /** Stands somewhere in its name, error, place or message, whatever the case. */
  text?: string
  request_id?: string
  /** Its last occurrence is not before `from` and before `to`. */
  from?: Date
  to?: Date
}

/** One page. */
export const FAILURES_PAGE_MAX = 100

const COLUMNS = `id, fingerprint, kind, name, error, place, message, stack, occurrences, first_at,
  to_json(last_at) #>> '{}' as last_at, correlation, request_id, process, release, resolved_at, resolved_by, reopened`

// A table of a few thousand rows at the most: what no index serves is looked through.
const LIST = statement(`
  select ${COLUMNS} from platform.failure
  where ($1::boolean is null or (resolved_at is not null) = $1) and ($2::text is null or kind = $2)
    and ($3::text is null or strpos(lower(name || ' ' || error || ' ' || place || ' ' || message), lower($3)) > 0)
    and ($4::text is null or request_id = $4) and ($5::timestamptz is null or last_at >= $5) and ($6::timestamptz is null or last_at < $6)
    and ($7::timestamptz is null or (last_at, id) < ($7, $8))
  order by platform.failure.last_at desc, id desc limit $9`)

/** A page of failures, the last to occur first, behind the one named by `after`; and whether there are more. */
export async function listFailures(
  db: Pick<Db, 'query'>,
  filter: FailureFilter,
  page: { limit: number; after?: { last_at: string; id: bigint } },
): Promise<{ failures: RememberedFailure[]; has_more: boolean }> {
  const size = Math.min(page.limit, FAILURES_PAGE_MAX)
  const { state, kind, text, request_id, from, to } = filter
  const rows = await db.query<RememberedFailure>(LIST, [
    state === undefined ? null : state === 'resolved',
    kind,
    text,
    request_id,
    from,
    to,
    page.after?.last_at,
    page.after?.id,
    size + 1,
  ])
  return { failures: rows.slice(0, size), has_more: rows.length > size }
}

const ONE = statement(`select ${COLUMNS} from platform.failure where id = $1`)

/** The failure, or undefined. */
export async function findFailure(db: Pick<Db, 'query'>, id: bigint): Promise<RememberedFailure | undefined> {
  return (await db.query<RememberedFailure>(ONE, [id]))[0]
}
