import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import { MESSAGE_COLUMNS, type Message, type SentChannel } from './message.ts'

/** Longer than the slowest sending: past it, whoever took the message is dead. */
const CLAIM_MS = 300_000

/** How far into the queue a claim looks for recipients whose turn it is. */
const WINDOW = 2_000

// Each recipient has one message under way at a time, the one waiting longest: so a thousand messages to one delay nobody else's, and
// they leave in their order. SKIP LOCKED: another worker's claim is not waited for; the limit counts what was locked, so that who claims at
// the same moment takes the next ones instead of nothing.
const CLAIM = statement(`
  with due as (
    select id, recipient, next_at from notifications.message
    where channel = $1 and state = 'waiting' and next_at <= $2 order by next_at limit ${WINDOW}
  ), turn as (
    select distinct on (recipient) id, next_at from due
    where not exists (select from notifications.message on_its_way
      where on_its_way.state = 'sending' and on_its_way.channel = $1 and on_its_way.recipient = due.recipient)
    order by recipient, next_at, id
  ), taken as (
    select m.id from turn join notifications.message m using (id)
    where m.state = 'waiting' order by turn.next_at, id limit $3 for update of m skip locked
  )
  update notifications.message m set state = 'sending', next_at = null, claimed_until = $4
  from taken where m.id = taken.id
  returning ${MESSAGE_COLUMNS}`)

/**
 * Takes up to `room` messages that are due and commits that, before anything is sent: a worker that dies leaves them to the sweep. No two callers
 * take the same message.
 */
export async function claimMessages(
  app: Pick<App, 'db' | 'clock'>,
  channel: SentChannel,
  room: number,
): Promise<Message[]> {
  const now = app.clock.now()
  return app.db.query<Message>(CLAIM, [channel, now, room, new Date(now.getTime() + CLAIM_MS)])
}

const SWEEP = statement(`
  update notifications.message set state = 'waiting', claimed_until = null, next_at = $1, attempts = attempts + 1,
    reason = 'interrupted', reply = null
  where state = 'sending' and claimed_until < $1`)

/** Gives messages back whose sender died: they may have been sent, and are sent again. */
export async function sweepMessages(app: Pick<App, 'db' | 'clock'>): Promise<void> {
  await app.db.query(SWEEP, [app.clock.now()])
}
