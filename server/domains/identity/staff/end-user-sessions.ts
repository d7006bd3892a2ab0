import { recordActs } from '#server/domains/audit/record-acts.ts'
import { present } from '#server/kit/invariant.ts'
import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import { type Editor, lockForEdit } from '../rights/editor.ts'

const END = statement(`
  with ended as (
    update identity.session set ended_at = $2 where user_id = $1 and ended_at is null and expires_at > $2 returning 1
  )
  select count(*)::int as sessions from ended`)

/** Ends all open sessions of a user, everywhere within a second; keys go on. Answers how many there were. Throws all that `lockForEdit` throws. */
export async function endUserSessions(
  app: Pick<App, 'db' | 'clock'>,
  editor: Editor,
  input: { user_id: bigint; reason: string },
): Promise<number> {
  const { user_id, reason } = input
  return app.db.transaction(async (tx) => {
    await lockForEdit(tx, editor, user_id, 'end-sessions')
    const [ended] = await tx.query<{ sessions: number }>(END, [user_id, app.clock.now()])
    const { sessions } = present(ended, 'count answers a row')
    if (sessions === 0) return 0
    recordActs(tx, [
      {
        action: 'users.sessions_ended',
        actor: editor.actor,
        subject: { kind: 'user', id: user_id },
        before: { sessions },
        after: { sessions: 0 },
        reason,
      },
    ])
    return sessions
  })
}
