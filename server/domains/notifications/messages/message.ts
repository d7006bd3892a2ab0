import type { Locale } from '#server/domains/identity/user.ts'
import type { Data, Kind } from '../texts/kinds.ts'

/** Channels over which something is sent; the inbox is written at once. */
export const SENT_CHANNELS = ['email', 'telegram'] as const
export type SentChannel = (typeof SENT_CHANNELS)[number]

/**
 * Where a message stands. waiting → sending → sent; back to waiting when it is to be tried again; dead when it was given up; dropped when there was
 * nothing to be sent any more.
 */
export const MESSAGE_STATES = ['waiting', 'sending', 'sent', 'dead', 'dropped'] as const
export type MessageState = (typeof MESSAGE_STATES)[number]

/** A message as it stands in the database. */
export interface Message {
  id: bigint
  key: string
  channel: SentChannel
  kind: Kind
  user_id: bigint | null
  address: string | null
  locale: Locale | null
  data: Data
  state: MessageState
  attempts: number
  created_at: Date
  next_at: Date | null
  ended_at: Date | null
  reason: string | null
  reply: string | null
}

export const MESSAGE_COLUMNS =
  'm.id, m.key, m.channel, m.kind, m.user_id, m.address, m.locale, m.data, m.state, m.attempts, m.created_at, m.next_at, m.ended_at, m.reason, m.reply'

/** What may be done with a message, by its state. */
export const messageCan = {
  /** Send it once more: it was given up, dropped, or may not have arrived. */
  resend: (message: Pick<Message, 'state'>) =>
    message.state === 'dead' || message.state === 'dropped' || message.state === 'sent',
} as const

/**
 * How one sending ended: three ways and no fourth. `rejected` is a proof that it was not taken: for good, or for the moment. `house` says that
 * the fault is ours or the way's (no connection, a wrong password), not this message's. `unknown` covers all else: it may have arrived. A message may come twice,
 * so it is sent again under the same identity, where the channel has one.
 */
export type SendOutcome =
  | { outcome: 'accepted'; reference: string }
  | { outcome: 'rejected'; lasting: true; reason: string; reply: string; chat_off?: 'blocked' | 'chat_gone' }
  | { outcome: 'rejected'; lasting: false; house: boolean; reason: string; reply: string; retry_after_ms?: number }
  | { outcome: 'unknown'; reason: string; reply: string }

/** What the columns take. */
export const REASON_MAX = 60
export const REPLY_MAX = 500
