import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'

/** As far back as a report of use may ask, and a week for good measure. */
export const USE_KEPT_DAYS = 100
const DAY_MS = 24 * 60 * 60_000

/** One run's work, so that its locks are short; the next run takes the rest. */
const DELETE_USE_MAX = 50_000

const DELETE = statement(`
  with old as (
    select key_id, hour, spell from identity.key_hour where hour < $1 order by hour limit ${DELETE_USE_MAX} for update skip locked
  )
  delete from identity.key_hour k using old where (k.key_id, k.hour, k.spell) = (old.key_id, old.hour, old.spell)
  returning 1 as one`)

/** Deletes what keys were used for longer than USE_KEPT_DAYS ago, at most DELETE_USE_MAX rows; answers how many. */
export async function deleteOldUse(app: Pick<App, 'db' | 'clock'>): Promise<number> {
  const deleted = await app.db.query(DELETE, [new Date(app.clock.now().getTime() - USE_KEPT_DAYS * DAY_MS)])
  return deleted.length
}
