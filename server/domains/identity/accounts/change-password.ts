import type { Actor } from '#server/domains/audit/act.ts'
import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import type { Client } from '../sessions/client.ts'
import { type RotatedSession, rotateSession } from '../sessions/rotate-session.ts'
import type { SignInAttempts } from '../sessions/sign-in-attempts.ts'
import { confirmPassword } from './confirm-password.ts'
import { WrongPasswordError } from './errors.ts'
import { newPassword } from './new-password.ts'
import { hashPassword, inPasswordSlot } from './password.ts'
import { setPassword } from './set-password.ts'

export interface ChangePassword {
  user_id: bigint
  current_password: string
  new_password: string
  /** The session that does it. */
  token: string
  client: Client
  by: Actor
}

const LOCK_USER = statement('select password_hash from identity.user where id = $1 for no key update')

/**
 * Changes a user's own password. All other sessions end; this one goes on under the token that is answered. API keys stay. Throws WrongPasswordError (`current_password`), BadFieldError (`new_password`), InvalidSessionError,
 * TooManyAttemptsError, BusyError.
 */
export async function changePassword(
  app: Pick<App, 'db' | 'clock' | 'settings'>,
  attempts: SignInAttempts,
  input: ChangePassword,
): Promise<RotatedSession> {
  const { user_id, client, by } = input
  const field = 'current_password'
  const known = await confirmPassword(app, attempts, { user_id, password: input.current_password, client, field })
  const password = newPassword(input.new_password, { field: 'new_password', email: known.email })
  const password_hash = await inPasswordSlot(() => hashPassword(app, password))
  const now = app.clock.now()
  return app.db.transaction(async (tx) => {
    // Of two changes at once the second no longer knows the current password.
    const [still] = await tx.query<{ password_hash: string }>(LOCK_USER, [user_id])
    if (still?.password_hash !== known.password_hash) throw new WrongPasswordError(field)
    const session = await rotateSession(tx, { token: input.token, user_id, now })
    setPassword(tx, { user_id, password_hash, now, by, but: session.id, revoke_api_keys: false })
    return session
  })
}
