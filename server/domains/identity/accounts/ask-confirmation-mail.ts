import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import { askLinks } from '../links/ask-links.ts'
import type { Locale } from '../user.ts'
import { MAILS_PER_HOUR_MAX } from './answer-registrations.ts'
import { EmailConfirmedError, TooManyMailsError } from './errors.ts'

interface Row {
  email: string
  locale: Locale
  confirmed: boolean
  /** Links within the hour. */
  mails: number
}

// Locked, so that two at once do not both send the last mail.
const LOCK = statement(`
  select email, locale, email_confirmed_at is not null as confirmed, (
    select count(*)::int from identity.one_time_link as link
    where link.user_id = $1 and link.purpose = 'confirm_email' and link.created_at > $2::timestamptz - interval '1 hour'
  ) as mails
  from identity.user where id = $1 for no key update`)

/** Asks for the link that confirms a user's own address. Throws EmailConfirmedError when it is confirmed, TooManyMailsError. */
export async function askConfirmationMail(app: Pick<App, 'db' | 'clock'>, user_id: bigint): Promise<void> {
  const now = app.clock.now()
  await app.db.transaction(async (tx) => {
    const [row] = await tx.query<Row>(LOCK, [user_id, now])
    if (!row || row.confirmed) throw new EmailConfirmedError()
    if (row.mails >= MAILS_PER_HOUR_MAX) throw new TooManyMailsError()
    await askLinks(tx, now, [{ purpose: 'confirm_email', user_id, email: row.email, locale: row.locale }])
  })
}
