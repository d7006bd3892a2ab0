import type { Actor } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import { plainArray } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import type { Locale } from '../user.ts'

/** A customer who came by the public door. */
export interface RegisteredUser {
  registration_id: bigint
  user_id: bigint
  email: string
  locale: Locale
}

// Of several registrations for one address in one call the first becomes the user.
const MAKE = statement(`
  with registered as (
    select distinct on (email) id, email, name, password_hash, locale from identity.registration
    where id = any($1::bigint[]) and confirmed_at is null
    order by email, id
  ), made as (
    insert into identity.user
      (email, name, password_hash, role, locale, self_registered, email_confirmed_at, password_changed_at)
    select email, name, password_hash, 'customer', locale, true, $2, $3 from registered
    on conflict (email) do nothing
    returning id, email, locale
  ), marked as (
    update identity.registration set confirmed_at = $3
    from registered join made using (email) where registration.id = registered.id
  )
  select registered.id as registration_id, made.id as user_id, made.email, made.locale
  from registered join made using (email)`)

/**
 * Makes customers of registrations; one whose address has an account by now is left out. `confirmed_at`: when the address was proven, null where it was not asked
 * for. `by` is what is known of the one who did it, beside the user.
 */
export async function makeRegisteredUsers(
  tx: Tx,
  input: { registration_ids: readonly bigint[]; confirmed_at: Date | null; now: Date; by: Partial<Actor> },
): Promise<RegisteredUser[]> {
  const users = await tx.query<RegisteredUser>(MAKE, [
    plainArray(input.registration_ids),
    input.confirmed_at,
    input.now,
  ])
  recordActs(
    tx,
    users.map(({ user_id, email }) => ({
      action: 'users.registered',
      actor: { ...input.by, kind: 'user', user_id },
      subject: { kind: 'user', id: user_id },
      after: { email, role: 'customer' },
    })),
  )
  return users
}
