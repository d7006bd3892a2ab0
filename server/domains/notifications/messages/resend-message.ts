import type { Actor } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import { present } from '#server/kit/invariant.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { MessageNotFoundError, MessageNotResendableError } from './errors.ts'
import { MESSAGE_COLUMNS, type Message, messageCan } from './message.ts'
import { messagesWritten } from './written.ts'

const LOCK = statement(`select ${MESSAGE_COLUMNS} from notifications.message m where id = $1 for update`)

const RESEND = statement(`
  update notifications.message m set state = 'waiting', next_at = $2, created_at = $2, ended_at = null, attempts = 0, reason = null, reply = null
  where id = $1 returning ${MESSAGE_COLUMNS}`)

/**
 * Sends a message once more that was given up, dropped or, as it seems, lost: with all its tries, under the identity it had. Throws MessageNotFoundError,
 * MessageNotResendableError while it is on its way.
 */
export async function resendMessage(tx: Tx, id: bigint, by: { now: Date; actor: Actor }): Promise<Message> {
  const [message] = await tx.query<Message>(LOCK, [id])
  if (!message) throw new MessageNotFoundError()
  if (!messageCan.resend(message)) throw new MessageNotResendableError(message.state)
  const [again] = await tx.query<Message>(RESEND, [id, by.now])
  recordActs(tx, [
    {
      action: 'messages.resent',
      actor: by.actor,
      subject: { kind: 'message', id },
      before: { state: message.state, reason: message.reason },
    },
  ])
  tx.onCommit(messagesWritten)
  return present(again, 'the message that was locked')
}
