import { type Backoff, backoff_ms } from '#server/kit/backoff.ts'
import type { App } from '#server/platform/app.ts'
import { dateArray, int8Array, plainArray, textArray } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { switchOffChats } from '../channels/telegram/switch-off-chats.ts'
import { type Message, REASON_MAX, REPLY_MAX, type SendOutcome } from './message.ts'
import { messageAttempts, messageRetryBase, messageRetryFactor, messageRetryMax } from './settings.ts'

/** What became of a claimed message. Dropped: there is nothing to be sent any more. Postponed: not now, and no try is counted. */
export type SendEnd = SendOutcome | { outcome: 'dropped'; reason: string } | { outcome: 'postponed'; until: Date }

export interface Ended {
  message: Message
  end: SendEnd
}

/** While the way itself is broken no try is counted, but a message older than this is no news any more. */
const AGE_MAX_MS = 3 * 24 * 3_600_000
const HOUSE_WAIT = { base_ms: 15_000, max_ms: 60_000 }

/** A pause that the other side asks for is kept, within reason. */
const RETRY_AFTER_MAX_MS = 3_600_000
const AFTER_ASKED = { base_ms: 500, max_ms: 500 }

const WRITE = statement(`
  update notifications.message m set state = new.state, attempts = new.attempts, next_at = new.next_at,
    claimed_until = null, ended_at = new.ended_at, reason = new.reason, reply = new.reply, reference = new.reference
  from (select unnest($1::bigint[]) as id, unnest($2::text[]) as state, unnest($3::smallint[]) as attempts,
    unnest($4::timestamptz[]) as next_at, unnest($5::timestamptz[]) as ended_at, unnest($6::text[]) as reason,
    unnest($7::text[]) as reply, unnest($8::text[]) as reference) as new
  where m.id = new.id and m.state = 'sending'`)

interface After {
  state: Message['state']
  attempts: number
  next_at: Date | null
  reason: string | null
  reply: string | null
  reference: string | null
}

/** Writes how claimed messages ended, in one transaction; a chat that can no longer be reached is switched off with it. Answers their states. */
export async function recordSends(
  app: Pick<App, 'db' | 'clock' | 'settings'>,
  ended: readonly Ended[],
): Promise<Message['state'][]> {
  const now = app.clock.now()
  const patience = patienceOf(app.settings)
  const after = ended.map((each) => afterOf(each, now, patience))
  await app.db.transaction(async (tx) => {
    writeAll(tx, ended, after, now)
    await switchOffChats(
      tx,
      now,
      ended.flatMap(({ message, end }) => {
        const reason = end.outcome === 'rejected' && end.lasting ? end.chat_off : undefined
        return reason !== undefined && message.user_id !== null ? [{ user_id: message.user_id, reason }] : []
      }),
    )
  })
  return after.map((each) => each.state)
}

function writeAll(tx: Tx, ended: readonly Ended[], after: readonly After[], now: Date): void {
  tx.send(WRITE, [
    int8Array(ended.map(({ message }) => message.id)),
    textArray(after.map((row) => row.state)),
    plainArray(after.map((row) => row.attempts)),
    dateArray(after.map((row) => row.next_at)),
    dateArray(after.map((row) => (row.state === 'waiting' ? null : now))),
    textArray(after.map((row) => row.reason)),
    textArray(after.map((row) => row.reply)),
    textArray(after.map((row) => row.reference)),
  ])
}

/** How long a message is tried. */
interface Patience {
  attempts_max: number
  backoff: Backoff
}

function patienceOf(settings: App['settings']): Patience {
  return {
    attempts_max: settings.read(messageAttempts),
    backoff: {
      base_ms: settings.read(messageRetryBase),
      factor: settings.read(messageRetryFactor),
      max_ms: settings.read(messageRetryMax),
    },
  }
}

function afterOf({ message, end }: Ended, now: Date, patience: Patience): After {
  const { attempts } = message
  const none = { next_at: null, reason: null, reply: null, reference: null }
  switch (end.outcome) {
    case 'accepted':
      return { ...none, state: 'sent', attempts: attempts + 1, reference: end.reference.slice(0, 200) || null }
    case 'dropped':
      return { ...none, state: 'dropped', attempts, reason: end.reason }
    case 'postponed':
      return { ...none, state: 'waiting', attempts, next_at: end.until }
    case 'rejected':
    case 'unknown':
      return triedAgain({ message, end }, now, patience)
  }
}

function triedAgain(
  { message, end }: { message: Message; end: Extract<SendEnd, { reply: string }> },
  now: Date,
  { attempts_max, backoff }: Patience,
): After {
  const house = end.outcome === 'rejected' && !end.lasting && end.house
  const attempts = message.attempts + (house ? 0 : 1)
  const told = {
    attempts,
    reason: end.reason.slice(0, REASON_MAX),
    reply: end.reply.slice(0, REPLY_MAX).toWellFormed() || null,
    reference: null,
  }
  const old = now.getTime() - message.created_at.getTime() > AGE_MAX_MS
  const given_up = (end.outcome === 'rejected' && end.lasting) || attempts >= attempts_max || old
  if (given_up) return { ...told, state: 'dead', next_at: null }
  const asked_ms = end.outcome === 'rejected' && !end.lasting ? (end.retry_after_ms ?? 0) : 0
  const own_ms = house ? backoff_ms(1, HOUSE_WAIT) : backoff_ms(attempts, backoff)
  const wait_ms = asked_ms > 0 ? Math.min(asked_ms, RETRY_AFTER_MAX_MS) + backoff_ms(1, AFTER_ASKED) : own_ms
  return { ...told, state: 'waiting', next_at: new Date(now.getTime() + wait_ms) }
}
