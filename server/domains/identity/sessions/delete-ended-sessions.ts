import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'

/** How long an ended session can still be looked up, should its owner ask who it was. */
const KEPT_MS = 30 * 24 * 60 * 60_000
/** One run's work, so that its locks are short; the next run takes the rest. */
export const DELETE_SESSIONS_MAX = 10_000

const DELETE = statement(`
  with old as (
    select token_hash from identity.session
    where expires_at < $1 or ended_at < $1
    limit ${DELETE_SESSIONS_MAX} for update skip locked
  )
  delete from identity.session using old where session.token_hash = old.token_hash
  returning 1 as one`)

/** Deletes sessions that ended or expired long ago, at most DELETE_SESSIONS_MAX; answers how many. */
export async function deleteEndedSessions(app: Pick<App, 'db' | 'clock'>): Promise<number> {
  const deleted = await app.db.query(DELETE, [new Date(app.clock.now().getTime() - KEPT_MS)])
  return deleted.length
}
