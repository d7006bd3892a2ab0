import type { App } from '#server/platform/app.ts'
import { dateArray } from '#server/platform/db/arrays.ts'
import { statement } from '#server/platform/db/database.ts'
import { byteaArray } from '../keys/key-credential.ts'
import { type Unproven, unprovenOf } from '../must.ts'
import { HOLDER_COLUMNS, type Principal, principalOfRow, type StoredHolder } from '../principal.ts'

/** A session that holds, as it is kept in memory. */
export interface SessionCredential {
  readonly principal: Principal
  /** Who it stands for while the settings demand what the user has not shown; see `principalNow`. */
  readonly unproven: Unproven | undefined
  readonly expires_ms: number
  /** When it was last marked as seen, monotonic. */
  touched_ms: number
}

type Row = StoredHolder & Pick<Principal, 'session_area'> & { digest: string; expires_at: Date }

const READ = statement(`
  select encode(session.token_hash, 'hex') as digest, session.user_id, session.expires_at, session.area as session_area, ${HOLDER_COLUMNS}
  from identity.session
  join identity.holder on holder.user_id = session.user_id
  where session.token_hash = any($1::bytea[]) and session.ended_at is null and holder.state = 'active'`)

/** The sessions of these digests that have not ended and whose user is active. One statement. */
export async function readSessions(
  app: Pick<App, 'db'>,
  digests: readonly string[],
): Promise<Map<string, SessionCredential>> {
  const rows = await app.db.query<Row>(READ, [byteaArray(digests)])
  return new Map(rows.map((row) => [row.digest, credentialOf(row)]))
}

function credentialOf(row: Row): SessionCredential {
  const principal = principalOfRow(row, { session_area: row.session_area })
  return {
    principal,
    unproven: unprovenOf(principal, row),
    expires_ms: row.expires_at.getTime(),
    touched_ms: Number.NEGATIVE_INFINITY,
  }
}

// Rows that another process writes just now are left out: it writes the same.
const WRITE_SEEN = statement(`
  with seen as (
    select * from unnest($1::bytea[], $2::timestamptz[]) as seen(token_hash, at)
  ), stale as (
    select session.token_hash, seen.at from identity.session join seen using (token_hash)
    where session.last_seen_at < seen.at - interval '50 seconds'
    order by session.token_hash for no key update of session skip locked
  )
  update identity.session set last_seen_at = stale.at from stale where session.token_hash = stale.token_hash`)

/** Writes when sessions, by digest, were last seen, where what is written is older than about a minute. */
export async function writeSessionsSeen(app: Pick<App, 'db'>, marks: ReadonlyMap<string, Date>): Promise<void> {
  await app.db.query(WRITE_SEEN, [byteaArray([...marks.keys()]), dateArray([...marks.values()])])
}
