import { recordActs } from '#server/domains/audit/record-acts.ts'
import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import { invitationDays } from '../accounts/account-settings.ts'
import { MAILS_PER_HOUR_MAX } from '../accounts/answer-registrations.ts'
import { TooManyMailsError } from '../accounts/errors.ts'
import { NoOpenInvitationError } from '../errors.ts'
import { askLinks } from '../links/ask-links.ts'
import { type Editor, lockUser } from '../rights/editor.ts'
import type { Locale } from '../user.ts'

const DAY_MS = 86_400_000

interface Invited {
  email: string
  locale: Locale
  /** Whether there is a link that was neither used nor voided; it may have expired. */
  open: boolean
  /** Mails within the hour. */
  mails: number
}

const OPEN = `user_id = $1 and purpose = 'accept_invitation' and used_at is null and voided_at is null`

const READ = statement(`
  select email, locale, exists (select from identity.one_time_link where ${OPEN}) as open, (
    select count(*)::int from identity.one_time_link as link
    where link.user_id = $1 and link.purpose = 'accept_invitation' and link.created_at > $2::timestamptz - interval '1 hour'
  ) as mails
  from identity.user where id = $1 and state = 'active'`)

// Whoever accepts at this moment holds the link and waits for the user, so one of the two is undone and looks again.
const VOID = statement(`update identity.one_time_link set voided_at = $2 where ${OPEN}`)

/**
 * Sends the invitation of a user again who has not chosen a password yet, though the link has expired; the links before it are void. No more than MAILS_PER_HOUR_MAX in an hour. Throws NoOpenInvitationError,
 * TooManyMailsError, ForbiddenError without `users:create:<role>`, and all else that `lockUser` throws.
 */
export async function resendInvitation(
  app: Pick<App, 'db' | 'clock' | 'settings'>,
  editor: Editor,
  user_id: bigint,
): Promise<{ email: string; expires_at: Date }> {
  return app.db.transaction(async (tx) => {
    await lockUser(tx, editor, user_id, ({ role }) => `users:create:${role}`)
    const now = app.clock.now()
    const [user] = await tx.query<Invited>(READ, [user_id, now])
    if (!user?.open) throw new NoOpenInvitationError()
    const { email, locale, mails } = user
    if (mails >= MAILS_PER_HOUR_MAX) throw new TooManyMailsError()
    tx.send(VOID, [user_id, now])
    const ttl_ms = app.settings.read(invitationDays) * DAY_MS
    const expires_at = new Date(now.getTime() + ttl_ms)
    await askLinks(tx, now, [{ purpose: 'accept_invitation', ttl_ms, user_id, email, locale }])
    const subject = { kind: 'user', id: user_id }
    recordActs(tx, [{ action: 'users.invited_again', actor: editor.actor, subject, after: { email, expires_at } }])
    return { email, expires_at }
  })
}
