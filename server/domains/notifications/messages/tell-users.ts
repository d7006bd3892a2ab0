import { invariant } from '#server/kit/invariant.ts'
import type { Tx } from '#server/platform/db/database.ts'
import { type NewInboxMessage, writeInbox } from '../inbox/write-inbox.ts'
import { readRecipients } from '../preferences/read-recipients.ts'
import { frequencyOf, type Recipient } from '../preferences/recipient.ts'
import { readTexts } from '../templates/read-texts.ts'
import { type Data, type DataOf, KINDS, type Kind } from '../texts/kinds.ts'
import type { Channel } from '../texts/topics.ts'
import { writeTexts } from '../texts/write-texts.ts'
import { SENT_CHANNELS } from './message.ts'
import { type NewMessage, writeMessages } from './write-messages.ts'

/** Something that a user is to be told. */
export interface Notice {
  /** Names the occasion: told of twice, it makes one message a channel. */
  key: string
  user_id: bigint
  kind: Kind
  data: Data
  /** Where a mail goes, when not to the user's address of the moment. */
  email?: string | undefined
  /** The channels it is kept to; all that the user wants without it. */
  channels?: readonly Channel[]
}

/** A notice whose data is as its kind wants it. */
export function notice<K extends Kind>(kind: K, about: Omit<Notice, 'kind' | 'data'> & { data: DataOf<K> }): Notice {
  return { ...about, kind, data: about.data as Data }
}

/** A batch of the publisher may tell as many; more would be a defect. */
const NOTICES_MAX = 20_000

/**
 * Tells users, each over the channels that the user wants for the topic: the inbox is written at once, mails and Telegram messages are put on their way. Exactly once
 * for each key, as part of the transaction. Who is no user is passed over.
 */
export async function tellUsers(tx: Tx, now: Date, notices: readonly Notice[]): Promise<void> {
  if (notices.length === 0) return
  invariant(notices.length <= NOTICES_MAX, `tellUsers: more than ${NOTICES_MAX} notices`)
  const recipients = await readRecipients(
    tx,
    notices.map((each) => each.user_id),
  )
  const texts = await readTexts(
    tx,
    notices.map((each) => each.kind),
  )
  const inbox: NewInboxMessage[] = []
  const messages: NewMessage[] = []
  for (const each of notices) {
    const recipient = recipients.get(each.user_id)
    if (!recipient) continue
    const { topic } = KINDS[each.kind]
    if (topic !== undefined && wants(recipient, each, 'inbox')) {
      const { title, body } = writeTexts(each.kind, each.data, recipient, texts(each.kind, recipient.locale))
      inbox.push({ key: each.key, user_id: each.user_id, kind: each.kind, topic, title, body })
    }
    for (const channel of SENT_CHANNELS) {
      if (wants(recipient, each, channel)) messages.push(asMessage(each, channel))
    }
  }
  writeInbox(tx, now, inbox)
  writeMessages(tx, now, messages)
}

function wants(recipient: Recipient, { kind, channels }: Notice, channel: Channel): boolean {
  if (channels !== undefined && !channels.includes(channel)) return false
  return frequencyOf(recipient, KINDS[kind].topic, channel) !== 'never'
}

function asMessage({ key, kind, user_id, data, email }: Notice, channel: NewMessage['channel']): NewMessage {
  return { key, channel, kind, user_id, data, ...(channel === 'email' && email !== undefined && { address: email }) }
}
