import { recordActs } from '#server/domains/audit/record-acts.ts'
import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import { emit } from '#server/platform/outbox/emit.ts'
import { securityNotice } from '../events.ts'
import { type Editor, lockForEdit } from '../rights/editor.ts'

const UNBLOCK = statement(`
  update identity.user set state = 'active', blocked_at = null, blocked_reason = null where id = $1`)

/** Lets a blocked user in again: they sign in anew, their keys work as before. Again does nothing. Throws all that `lockForEdit` throws. */
export async function unblockUser(
  app: Pick<App, 'db' | 'clock'>,
  editor: Editor,
  input: { user_id: bigint; reason: string },
): Promise<void> {
  const { user_id, reason } = input
  await app.db.transaction(async (tx) => {
    const { user } = await lockForEdit(tx, editor, user_id, 'block')
    if (user.state === 'active') return
    tx.send(UNBLOCK, [user_id])
    emit(tx, securityNotice, [{ user_id, kind: 'unblocked', at: app.clock.now().toISOString() }])
    recordActs(tx, [
      {
        action: 'users.unblocked',
        actor: editor.actor,
        subject: { kind: 'user', id: user_id },
        before: { state: user.state },
        after: { state: 'active' },
        reason,
      },
    ])
  })
}
