import { recordActs } from '#server/domains/audit/record-acts.ts'
import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import { emit } from '#server/platform/outbox/emit.ts'
import { securityNotice } from '../events.ts'
import { type Editor, lockForEdit } from '../rights/editor.ts'
import { keepingAnAdministrator } from '../rights/last-administrator.ts'

const BLOCK = statement(`
  update identity.user set state = 'blocked', blocked_at = $2, blocked_reason = $3 where id = $1`)

const END_SESSIONS = statement(`
  update identity.session set ended_at = $2 where user_id = $1 and ended_at is null and expires_at > $2`)

/**
 * Blocks a user: sessions end for good, keys stop while the block lasts, everywhere within a second. Blocking again does nothing. Throws LastAdministratorError and all
 * that `lockForEdit` throws.
 */
export async function blockUser(
  app: Pick<App, 'db' | 'clock'>,
  editor: Editor,
  input: { user_id: bigint; reason: string },
): Promise<void> {
  const { user_id, reason } = input
  await keepingAnAdministrator(() =>
    app.db.transaction(async (tx) => {
      const { user } = await lockForEdit(tx, editor, user_id, 'block')
      if (user.state === 'blocked') return
      const now = app.clock.now()
      await tx.query(BLOCK, [user_id, now, reason])
      tx.send(END_SESSIONS, [user_id, now])
      emit(tx, securityNotice, [{ user_id, kind: 'blocked', at: now.toISOString() }])
      recordActs(tx, [
        {
          action: 'users.blocked',
          actor: editor.actor,
          subject: { kind: 'user', id: user_id },
          before: { state: user.state },
          after: { state: 'blocked' },
          reason,
        },
      ])
    }),
  )
}
