import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import { DEVICE_TTL_MS } from '../sessions/known-devices.ts'

/** How long one can still look up what became of a mail. */
const KEPT_MS = 30 * 24 * 60 * 60_000
/** One run's work of each table, so that its locks are short; the next run takes the rest. */
const ROWS_MAX = 10_000

// An invitation that nobody has taken up tells that its user was invited: it can still be sent again.
const DELETE_LINKS = statement(`
  with old as (
    select id from identity.one_time_link
    where expires_at < $1 and not (purpose = 'accept_invitation' and used_at is null and voided_at is null) limit ${ROWS_MAX} for update skip locked
  )
  delete from identity.one_time_link using old where one_time_link.id = old.id returning 1 as one`)

const DELETE_REGISTRATIONS = statement(`
  with old as (
    select id from identity.registration where expires_at < $1 limit ${ROWS_MAX} for update skip locked
  )
  delete from identity.registration using old where registration.id = old.id returning 1 as one`)

const DELETE_CHANGES = statement(`
  with old as (
    select id from identity.email_change where expires_at < $1 limit ${ROWS_MAX} for update skip locked
  )
  delete from identity.email_change using old where email_change.id = old.id returning 1 as one`)

const DELETE_CHALLENGES = statement(`
  with old as (
    select token_hash from identity.sign_in_challenge where expires_at < $1 limit ${ROWS_MAX} for update skip locked
  )
  delete from identity.sign_in_challenge using old where sign_in_challenge.token_hash = old.token_hash returning 1 as one`)

const DELETE_DEVICES = statement(`
  with old as (
    select user_id, token_hash from identity.known_device where last_seen_at < $1 limit ${ROWS_MAX} for update skip locked
  )
  delete from identity.known_device as device using old
  where device.user_id = old.user_id and device.token_hash = old.token_hash returning 1 as one`)

/**
 * Deletes links, registrations and changes of address a month after they have expired, sign-ins that were not finished, and browsers that were not seen for longer than they keep their token. Answers how many rows; at
 * most ROWS_MAX of each kind.
 */
export async function deleteStaleRequests(app: Pick<App, 'db' | 'clock'>): Promise<number> {
  const now = app.clock.now()
  const before = (ms: number) => [new Date(now.getTime() - ms)]
  const deleted = [
    await app.db.query(DELETE_LINKS, before(KEPT_MS)),
    await app.db.query(DELETE_REGISTRATIONS, before(KEPT_MS)),
    await app.db.query(DELETE_CHANGES, before(KEPT_MS)),
    await app.db.query(DELETE_CHALLENGES, before(0)),
    await app.db.query(DELETE_DEVICES, before(DEVICE_TTL_MS)),
  ]
  return deleted.reduce((sum, rows) => sum + rows.length, 0)
}
