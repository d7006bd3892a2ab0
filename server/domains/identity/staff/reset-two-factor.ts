import type { App } from '#server/platform/app.ts'
import { type Editor, lockForEdit } from '../rights/editor.ts'
import { endSessions } from '../sessions/end-sessions.ts'
import { removeTotp } from '../two-factor/disable-totp.ts'

/**
 * Removes the second factor of a user who has lost it, tells them, and ends their sessions. Throws TotpNotEnabledError and all that `lockForEdit` throws.
 */
export async function resetTwoFactor(
  app: Pick<App, 'db' | 'clock'>,
  editor: Editor,
  input: { user_id: bigint; reason: string },
): Promise<void> {
  const { user_id, reason } = input
  await app.db.transaction(async (tx) => {
    await lockForEdit(tx, editor, user_id, 'reset-2fa')
    const now = app.clock.now()
    await removeTotp(tx, { user_id, now, by: editor.actor, reason })
    endSessions(tx, { user_id, now })
  })
}
