import type { Actor } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import type { App } from '#server/platform/app.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import type { Secrets } from '#server/platform/secrets/secrets.ts'
import { EmailTakenError, LinkNotValidError } from '../errors.ts'
import { useLink } from '../links/use-link.ts'
import { tellOwner } from '../tell-owner.ts'

const PURPOSES = ['confirm_old_email', 'confirm_new_email'] as const

interface Change {
  user_id: bigint
  new_email: string
  old_confirmed: boolean
  new_confirmed: boolean
}

// Locked, so that of two links opened at once the second sees what the first has done.
const MARK = statement(`
  update identity.email_change set
    old_confirmed_at = case when $2 then coalesce(old_confirmed_at, $3) else old_confirmed_at end,
    new_confirmed_at = case when $2 then new_confirmed_at else coalesce(new_confirmed_at, $3) end
  where id = $1 and done_at is null and voided_at is null and expires_at > $3
  returning user_id, new_email, old_confirmed_at is not null as old_confirmed, new_confirmed_at is not null as new_confirmed`)

const LOCK_USER = statement('select email from identity.user where id = $1 for no key update')

const OWNER = statement('select id from identity.user where email = $1')

const CHANGE = statement('update identity.user set email = $2, email_confirmed_at = $3 where id = $1')

const DONE = statement('update identity.email_change set done_at = $2 where id = $1')

// What was sent to the old address opens nothing any more.
const VOID_LINKS = statement(`
  update identity.one_time_link set voided_at = $2 where user_id = $1 and used_at is null and voided_at is null`)

/**
 * Opens one of the two links of a change of address; with the second the change is made and both addresses are told. Throws LinkNotValidError; EmailTakenError when the new address got an
 * account in the meantime.
 */
export async function confirmEmailChange(
  app: Pick<App, 'db' | 'clock'>,
  secrets: Secrets,
  input: { token: string; by: Actor },
): Promise<{ state: 'waiting_for_the_other' | 'changed' }> {
  const now = app.clock.now()
  const work = app.db.transaction<{ state: 'waiting_for_the_other' | 'changed' }>(async (tx) => {
    const link = await useLink(tx, secrets, { token: input.token, purposes: PURPOSES, now })
    const of_old = link.purpose === 'confirm_old_email'
    const [change] = await tx.query<Change>(MARK, [link.email_change_id, of_old, now])
    if (!change) throw new LinkNotValidError()
    if (!change.old_confirmed || !change.new_confirmed) return { state: 'waiting_for_the_other' }
    await makeChange(tx, change, now, { ...input.by, kind: 'user', user_id: change.user_id })
    tx.send(DONE, [link.email_change_id, now])
    return { state: 'changed' }
  })
  return work.catch((error: { constraint?: string }) => {
    // Another got the address between our look and our write.
    throw error.constraint === 'user_email_key' ? new EmailTakenError() : error
  })
}

async function makeChange(tx: Tx, { user_id, new_email }: Change, now: Date, by: Actor): Promise<void> {
  const [user] = await tx.query<{ email: string }>(LOCK_USER, [user_id])
  const taken = await tx.query(OWNER, [new_email])
  if (!user) throw new LinkNotValidError()
  if (taken.length > 0) throw new EmailTakenError()
  tx.send(CHANGE, [user_id, new_email, now])
  tx.send(VOID_LINKS, [user_id, now])
  const subject = { kind: 'user', id: user_id }
  const [before, after] = [{ email: user.email }, { email: new_email }]
  recordActs(tx, [{ action: 'users.email_changed', actor: by, subject, before, after }])
  tellOwner(tx, { user_id, kind: 'email_changed', now, by, email: user.email })
}
