import type { Actor } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import type { App } from '#server/platform/app.ts'
import type { Secrets } from '#server/platform/secrets/secrets.ts'
import { tellOwner } from '../tell-owner.ts'
import { CodeRefusedError } from './errors.ts'
import { giveRecoveryCodes } from './give-recovery-codes.ts'
import { useSecondFactor } from './use-second-factor.ts'

/** Gives new recovery codes for a code of the second factor; those before count no more. They are told here and never again. Throws CodeRefusedError. */
export async function renewRecoveryCodes(
  app: Pick<App, 'db' | 'clock'>,
  secrets: Secrets,
  input: { user_id: bigint; code: string; by: Actor },
): Promise<string[]> {
  const { user_id, code, by } = input
  const now = app.clock.now()
  return app.db.transaction(async (tx) => {
    if (!(await useSecondFactor(tx, secrets, { user_id, code, now }))) throw new CodeRefusedError()
    const codes = giveRecoveryCodes(tx, user_id, now)
    recordActs(tx, [{ action: 'totp.recovery_codes_renewed', actor: by, subject: { kind: 'user', id: user_id } }])
    tellOwner(tx, { user_id, kind: 'recovery_codes_renewed', now, by })
    return codes
  })
}
