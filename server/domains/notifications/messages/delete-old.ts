import { z } from 'zod'
import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import { defineSetting } from '#server/platform/settings/setting.ts'

const days = z.number().int().min(1).max(3_650)

/** How long users find their messages. */
export const inboxDaysKept = defineSetting({
  name: 'inbox.days_kept',
  schema: days,
  default: 90,
  description: 'How long a message stays in its user’s inbox, read or not.',
  unit: 'days',
})

/** How long staff find what became of a message. */
export const messagesDaysKept = defineSetting({
  name: 'messages.days_kept',
  schema: days,
  default: 30,
  description: 'How long staff find a message that was sent, given up or dropped. Its key is free again after that.',
  unit: 'days',
})

/** Rows of one statement: a long-neglected house is cleaned in many short ones. */
const BATCH = 5_000
const BATCHES_MAX = 200

const OLD_INBOX = statement(`
  delete from notifications.inbox where id in (
    select id from notifications.inbox where created_at < $1::timestamptz - make_interval(days => $2) order by created_at limit ${BATCH})
  returning id`)

const OLD_MESSAGES = statement(`
  delete from notifications.message where id in (
    select id from notifications.message
    where state in ('sent', 'dead', 'dropped') and ended_at < $1::timestamptz - make_interval(days => $2) order by ended_at limit ${BATCH})
  returning id`)

const OLD_CODES = statement('delete from notifications.telegram_code where expires_at < $1')

/** Deletes messages, inbox entries and codes that are past their time. */
export async function deleteOld(app: Pick<App, 'db' | 'clock' | 'settings'>): Promise<void> {
  const now = app.clock.now()
  const kept = [
    [OLD_INBOX, app.settings.read(inboxDaysKept)],
    [OLD_MESSAGES, app.settings.read(messagesDaysKept)],
  ] as const
  for (const [sql, days_kept] of kept) {
    for (let i = 0; i < BATCHES_MAX; i++) {
      if ((await app.db.query(sql, [now, days_kept])).length < BATCH) break
    }
  }
  await app.db.query(OLD_CODES, [now])
}
