import { dateArray, plainArray, textArray } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import type { Kind } from '../texts/kinds.ts'
import type { Topic } from '../texts/topics.ts'

/** A message as its reader finds it. */
export interface NewInboxMessage {
  key: string
  user_id: bigint
  kind: Kind
  topic: Topic
  title: string
  body: string
}

/** The columns' own limits; a text that staff wrote may grow by its values. */
const TITLE_MAX = 300
const BODY_MAX = 4_000

const INSERT = statement(`
  insert into notifications.inbox (user_id, key, kind, topic, title, body, created_at)
  select * from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[])
  on conflict on constraint inbox_once do nothing`)

/** Puts messages into their users' inboxes, as part of the transaction; sent without waiting. One whose key is there is left out. */
export function writeInbox(tx: Tx, now: Date, messages: readonly NewInboxMessage[]): void {
  if (messages.length === 0) return
  tx.send(INSERT, [
    plainArray(messages.map((message) => message.user_id)),
    textArray(messages.map((message) => message.key)),
    textArray(messages.map((message) => message.kind)),
    textArray(messages.map((message) => message.topic)),
    textArray(messages.map((message) => cut(message.title, TITLE_MAX))),
    textArray(messages.map((message) => cut(message.body, BODY_MAX))),
    dateArray(messages.map(() => now)),
  ])
}

/** By characters, so that none is halved. */
function cut(text: string, max: number): string {
  return text.length <= max
    ? text
    : `${Array.from(text)
        .slice(0, max - 1)
        .join('')}…`
}
