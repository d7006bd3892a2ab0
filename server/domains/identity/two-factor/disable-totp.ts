import type { Actor } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import type { App } from '#server/platform/app.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import type { Secrets } from '#server/platform/secrets/secrets.ts'
import { type RotatedSession, rotateSession } from '../sessions/rotate-session.ts'
import { tellOwner } from '../tell-owner.ts'
import { CodeRefusedError, TotpNotEnabledError } from './errors.ts'
import { useSecondFactor } from './use-second-factor.ts'

const DELETE = statement('delete from identity.totp where user_id = $1 returning confirmed_at')

/**
 * Switches the second factor off by one of its codes; the password is asked for at the door. Answers the session under a new token. Throws CodeRefusedError, also when there is none;
 * InvalidSessionError.
 */
export async function disableTotp(
  app: Pick<App, 'db' | 'clock'>,
  secrets: Secrets,
  input: { user_id: bigint; code: string; token: string; by: Actor },
): Promise<RotatedSession> {
  const { user_id, code, token, by } = input
  const now = app.clock.now()
  return app.db.transaction(async (tx) => {
    if (!(await useSecondFactor(tx, secrets, { user_id, code, now }))) throw new CodeRefusedError()
    await removeTotp(tx, { user_id, now, by })
    return rotateSession(tx, { token, user_id, now })
  })
}

/** Removes a second factor with its recovery codes, whoever may decide that. Throws TotpNotEnabledError. */
export async function removeTotp(
  tx: Tx,
  input: { user_id: bigint; now: Date; by: Actor; reason?: string },
): Promise<void> {
  const { user_id, now, by, reason } = input
  const removed = await tx.query(DELETE, [user_id])
  if (removed.length === 0) throw new TotpNotEnabledError()
  const subject = { kind: 'user', id: user_id }
  recordActs(tx, [{ action: 'totp.disabled', actor: by, subject, ...(reason !== undefined && { reason }) }])
  tellOwner(tx, { user_id, kind: 'totp_disabled', now, by })
}
