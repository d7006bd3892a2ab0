import type { Actor } from '#server/domains/audit/act.ts'
import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import type { Secrets } from '#server/platform/secrets/secrets.ts'
import { LinkNotValidError } from '../errors.ts'
import { readLink } from '../links/read-link.ts'
import { useLink } from '../links/use-link.ts'
import { newPassword } from './new-password.ts'
import { hashPassword, inPasswordSlot } from './password.ts'
import { setPassword } from './set-password.ts'

export interface ResetPassword {
  /** Of the link that was mailed. */
  token: string
  password: string
  /** Whether the API keys are revoked too. */
  revoke_api_keys: boolean
  by: Actor
}

/** Who was invited chooses a password for the first time; the rest is the same. */
const PURPOSES = ['reset_password', 'accept_invitation'] as const

// Who has the mail has the address.
const CONFIRM = statement(`
  update identity.user set email_confirmed_at = coalesce(email_confirmed_at, $3)
  where id = $1 and email = $2 and state = 'active' returning id`)

/**
 * Gives a user who forgot the password, or was invited and has none, a new one, by the token of the link. All sessions end, none is opened, and a second factor stays. Throws LinkNotValidError, BadFieldError (`password`), which leaves the link as it is,
 * BusyError.
 */
export async function resetPassword(
  app: Pick<App, 'db' | 'clock' | 'settings'>,
  secrets: Secrets,
  input: ResetPassword,
): Promise<{ email: string }> {
  const { token, by, revoke_api_keys } = input
  const now = app.clock.now()
  // Before the work of hashing, which is for those who have a link.
  const { email } = await readLink(app, secrets, { token, purposes: PURPOSES, now })
  const password = newPassword(input.password, { email })
  const password_hash = await inPasswordSlot(() => hashPassword(app, password))
  return app.db.transaction(async (tx) => {
    const link = await useLink(tx, secrets, { token, purposes: PURPOSES, now })
    const [user] = await tx.query<{ id: bigint }>(CONFIRM, [link.user_id, link.email, now])
    if (!user) throw new LinkNotValidError()
    const actor: Actor = { ...by, kind: 'user', user_id: user.id }
    setPassword(tx, { user_id: user.id, password_hash, now, by: actor, revoke_api_keys })
    return { email: link.email }
  })
}
