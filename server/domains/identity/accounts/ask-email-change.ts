import type { Actor } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import { present } from '#server/kit/invariant.ts'
import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import { emit } from '#server/platform/outbox/emit.ts'
import { BadFieldError } from '../errors.ts'
import { LINK_TTL_MS } from '../links/ask-links.ts'
import type { Client } from '../sessions/client.ts'
import type { SignInAttempts } from '../sessions/sign-in-attempts.ts'
import { normalEmail } from '../user.ts'
import { confirmPassword } from './confirm-password.ts'
import { TooManyMailsError } from './errors.ts'
import { emailChangeAsked } from './requests.ts'

/** Each sends two mails. */
const CHANGES_PER_DAY_MAX = 5

const LOCK_USER = statement('select email from identity.user where id = $1 for no key update')

const COUNT = statement(`
  select count(*)::int as changes from identity.email_change where user_id = $1 and created_at > $2::timestamptz - interval '1 day'`)

const VOID_OPEN = statement(`
  with void as (
    update identity.email_change set voided_at = $2 where user_id = $1 and done_at is null and voided_at is null
    returning id
  )
  update identity.one_time_link set voided_at = $2 from void
  where email_change_id = void.id and used_at is null and voided_at is null`)

const INSERT = statement(`
  insert into identity.email_change (user_id, new_email, created_at, expires_at) values ($1, $2, $3, $4) returning id`)

/**
 * Takes a user's wish for another address. Links go to both addresses, and the change is made when both have been opened. Whether the new one has an account is not told; its owner learns of it. A later wish takes the place of an
 * earlier one. Throws WrongPasswordError (`password`), BadFieldError (`new_email`), TooManyMailsError, TooManyAttemptsError, BusyError.
 */
export async function askEmailChange(
  app: Pick<App, 'db' | 'clock'>,
  attempts: SignInAttempts,
  input: { user_id: bigint; new_email: string; password: string; client: Client; by: Actor },
): Promise<void> {
  const { user_id, client, by } = input
  const new_email = normalEmail(input.new_email)
  if (new_email === undefined) throw new BadFieldError('new_email', 'An address such as name@example.com.')
  await confirmPassword(app, attempts, { user_id, password: input.password, client, field: 'password' })
  const now = app.clock.now()
  await app.db.transaction(async (tx) => {
    const [user] = await tx.query<{ email: string }>(LOCK_USER, [user_id])
    if (user?.email === new_email) throw new BadFieldError('new_email', 'Another address than the one you have.')
    const [count] = await tx.query<{ changes: number }>(COUNT, [user_id, now])
    if (present(count, 'count answers a row').changes >= CHANGES_PER_DAY_MAX) throw new TooManyMailsError()
    tx.send(VOID_OPEN, [user_id, now])
    const expires_at = new Date(now.getTime() + LINK_TTL_MS.confirm_new_email)
    const [row] = await tx.query<{ id: bigint }>(INSERT, [user_id, new_email, now, expires_at])
    emit(tx, emailChangeAsked, [{ email_change_id: present(row, 'insert answers its row').id }])
    const subject = { kind: 'user', id: user_id }
    recordActs(tx, [{ action: 'users.email_change_asked', actor: by, subject, after: { email: new_email } }])
  })
}
