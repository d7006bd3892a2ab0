import type { Actor } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import type { App } from '#server/platform/app.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import type { Secrets } from '#server/platform/secrets/secrets.ts'
import { EmailTakenError, LinkNotValidError } from '../errors.ts'
import type { Link } from '../links/read-link.ts'
import { useLink } from '../links/use-link.ts'
import { makeRegisteredUsers } from './make-registered-users.ts'

// An address that was changed since the link was sent is not proven by it.
const CONFIRM = statement(`
  update identity.user set email_confirmed_at = $3 where id = $1 and email = $2 and state = 'active' returning id`)

/**
 * Confirms an address by the token of its link: a registration becomes a user, or a user's address counts as proven. Answers the address. No session is opened:
 * whoever has the mail need not be the one who chose the password. Throws LinkNotValidError; EmailTakenError when the
 * address got an account in the meantime.
 */
export async function confirmEmail(
  app: Pick<App, 'db' | 'clock'>,
  secrets: Secrets,
  input: { token: string; by: Partial<Actor> },
): Promise<{ email: string }> {
  const now = app.clock.now()
  return app.db.transaction(async (tx) => {
    const link = await useLink(tx, secrets, { token: input.token, purposes: ['confirm_email'], now })
    if (link.registration_id === null) await confirmUser(tx, link, now, input.by)
    else {
      const registration_ids = [link.registration_id]
      const users = await makeRegisteredUsers(tx, { registration_ids, confirmed_at: now, now, by: input.by })
      if (users.length === 0) throw new EmailTakenError()
    }
    return { email: link.email }
  })
}

async function confirmUser(tx: Tx, { user_id, email }: Link, now: Date, by: Partial<Actor>): Promise<void> {
  const [confirmed] = await tx.query<{ id: bigint }>(CONFIRM, [user_id, email, now])
  if (!confirmed) throw new LinkNotValidError()
  recordActs(tx, [
    {
      action: 'users.email_confirmed',
      actor: { ...by, kind: 'user', user_id: confirmed.id },
      subject: { kind: 'user', id: confirmed.id },
      after: { email },
    },
  ])
}
