import type { Actor } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import type { Secrets } from '#server/platform/secrets/secrets.ts'
import { endSessions } from '../sessions/end-sessions.ts'
import { type RotatedSession, rotateSession } from '../sessions/rotate-session.ts'
import { tellOwner } from '../tell-owner.ts'
import { CodeRefusedError } from './errors.ts'
import { giveRecoveryCodes } from './give-recovery-codes.ts'
import { useSecondFactor } from './use-second-factor.ts'

const CONFIRM = statement('update identity.totp set confirmed_at = $2 where user_id = $1')

/**
 * Switches the second factor on by a first code of the app. Answers the recovery codes, told here and never again, and the session under a new token; all other sessions end, since
 * they were opened without it. Throws CodeRefusedError, also when nothing was begun; InvalidSessionError.
 */
export async function confirmTotp(
  app: Pick<App, 'db' | 'clock'>,
  secrets: Secrets,
  input: { user_id: bigint; code: string; token: string; by: Actor },
): Promise<{ recovery_codes: string[]; session: RotatedSession }> {
  const { user_id, code, token, by } = input
  const now = app.clock.now()
  return app.db.transaction(async (tx) => {
    if (!(await useSecondFactor(tx, secrets, { user_id, code, now, enrolling: true }))) throw new CodeRefusedError()
    tx.send(CONFIRM, [user_id, now])
    const recovery_codes = giveRecoveryCodes(tx, user_id, now)
    const session = await rotateSession(tx, { token, user_id, now })
    endSessions(tx, { user_id, but: session.id, now })
    recordActs(tx, [{ action: 'totp.enabled', actor: by, subject: { kind: 'user', id: user_id } }])
    tellOwner(tx, { user_id, kind: 'totp_enabled', now, by })
    return { recovery_codes, session }
  })
}
