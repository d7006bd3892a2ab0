import type { Locale } from '#server/domains/identity/user.ts'
import { encodeJson } from '#server/kit/json.ts'
import { plainArray, textArray } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import type { Data, Kind } from '../texts/kinds.ts'
import type { SentChannel } from './message.ts'
import { messagesWritten } from './written.ts'

/** A message to be sent. `key` names the occasion: with the channel it is sent once. */
export interface NewMessage {
  key: string
  channel: SentChannel
  kind: Kind
  user_id: bigint | null
  /** Where to, when not to the user's own address or chat. */
  address?: string | undefined
  locale?: Locale | undefined
  data: Data
}

const INSERT = statement(`
  insert into notifications.message (key, channel, kind, user_id, address, locale, data, created_at, next_at)
  select key || ':' || channel, channel, kind, user_id, address, locale, data, $8, $8
  from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::json[])
    as new (key, channel, kind, user_id, address, locale, data)
  on conflict on constraint message_once do nothing`)

/** Puts messages on their way, as part of the transaction; sent without waiting. One whose key was used is left out. */
export function writeMessages(tx: Tx, now: Date, messages: readonly NewMessage[]): void {
  if (messages.length === 0) return
  tx.send(INSERT, [
    textArray(messages.map((message) => message.key)),
    textArray(messages.map((message) => message.channel)),
    textArray(messages.map((message) => message.kind)),
    plainArray(messages.map((message) => message.user_id)),
    textArray(messages.map((message) => message.address)),
    textArray(messages.map((message) => message.locale)),
    textArray(messages.map((message) => encodeJson(message.data))),
    now,
  ])
  tx.onCommit(messagesWritten)
}
