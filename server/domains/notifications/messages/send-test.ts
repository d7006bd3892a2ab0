import { newUuid } from '#server/kit/id.ts'
import type { Tx } from '#server/platform/db/database.ts'
import type { SentChannel } from './message.ts'
import { writeMessages } from './write-messages.ts'

/** Puts a test message on its way to an address or a chat, to try the way there. Answers its key, by which it is found. */
export function sendTest(tx: Tx, now: Date, to: { channel: SentChannel; address: string }): string {
  const key = `test:${newUuid()}`
  writeMessages(tx, now, [
    {
      key,
      channel: to.channel,
      kind: 'test_message',
      user_id: null,
      address: to.address,
      data: { at: now.toISOString() },
    },
  ])
  return `${key}:${to.channel}`
}
