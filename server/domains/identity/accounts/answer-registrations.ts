import type { App } from '#server/platform/app.ts'
import { plainArray } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { emit } from '#server/platform/outbox/emit.ts'
import { securityNotice } from '../events.ts'
import { askLinks } from '../links/ask-links.ts'
import type { Locale } from '../user.ts'
import { confirmationRequired } from './account-settings.ts'
import { makeRegisteredUsers } from './make-registered-users.ts'

/** Mails to one address in an hour, whoever asks for them: enough for one who looks in the wrong folder, too few to flood anyone. */
export const MAILS_PER_HOUR_MAX = 5

interface Asked {
  id: bigint
  email: string
  locale: Locale
  /** Whose the address is by now. */
  user_id: bigint | null
  /** Someone registered with this address within a day, and it was answered. */
  answered: boolean
  /** Mails to this address within the hour. */
  mails: number
}

const READ = statement(`
  select asked.id, asked.email, asked.locale, owner.id as user_id,
    exists (
      select from identity.registration as other
      where other.email = asked.email and other.answered_at > $2::timestamptz - interval '1 day'
    ) as answered,
    (
      select count(*)::int from identity.registration as other
      join identity.one_time_link as link on link.registration_id = other.id
      where other.email = asked.email and link.created_at > $2::timestamptz - interval '1 hour'
    ) as mails
  from identity.registration as asked
  left join identity.user as owner on owner.email = asked.email
  where asked.id = any($1::bigint[]) and asked.confirmed_at is null and asked.expires_at > $2
  order by asked.id`)

const MARK = statement(
  'update identity.registration set answered_at = coalesce(answered_at, $2) where id = any($1::bigint[])',
)

/**
 * Answers registrations, or the wish for their mail again: a link to addresses that have no account, and once a day a notice to the owners of those that have one. Runs apart from
 * the request, so that nobody at the door learns which it was.
 */
export async function answerRegistrations(
  tx: Tx,
  app: Pick<App, 'clock' | 'settings'>,
  registration_ids: readonly bigint[],
): Promise<void> {
  const now = app.clock.now()
  const asked = await tx.query<Asked>(READ, [plainArray(registration_ids), now])
  tx.send(MARK, [plainArray(registration_ids), now])
  const owned = asked.filter((each) => each.user_id !== null && !each.answered)
  const owners = new Set(owned.map((each) => each.user_id as bigint))
  const at = now.toISOString()
  emit(
    tx,
    securityNotice,
    [...owners].map((user_id) => ({ user_id, kind: 'address_already_registered' as const, at })),
  )
  const free = withinLimit(asked.filter((each) => each.user_id === null))
  if (app.settings.read(confirmationRequired)) {
    const links = free.map(({ id, email, locale }) => ({ email, locale, user_id: null, registration_id: id }))
    await askLinks(
      tx,
      now,
      links.map((link) => ({ ...link, purpose: 'confirm_email' as const })),
    )
  } else {
    await admit(tx, now, free)
  }
}

/** Several of one address may be in one batch. */
function withinLimit(asked: readonly Asked[]): Asked[] {
  const mails = new Map<string, number>()
  return asked.filter(({ email, mails: before }) => {
    const count = (mails.get(email) ?? before) + 1
    mails.set(email, count)
    return count <= MAILS_PER_HOUR_MAX
  })
}

/** Where no confirmation is required the accounts exist at once, and may confirm later. */
async function admit(tx: Tx, now: Date, asked: readonly Asked[]): Promise<void> {
  const registration_ids = asked.map((each) => each.id)
  const users = await makeRegisteredUsers(tx, { registration_ids, confirmed_at: null, now, by: {} })
  await askLinks(
    tx,
    now,
    users.map(({ user_id, email, locale }) => ({ purpose: 'confirm_email', email, locale, user_id })),
  )
}
