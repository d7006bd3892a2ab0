import type { Act } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import type { App } from '#server/platform/app.ts'
import { textArray } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { type AskLink, askLinks } from '../links/ask-links.ts'
import type { Locale } from '../user.ts'
import { MAILS_PER_HOUR_MAX } from './answer-registrations.ts'
import type { ResetAsked } from './requests.ts'

interface Owner {
  id: bigint
  email: string
  locale: Locale
  /** Links for a new password within the hour. */
  mails: number
}

const READ = statement(`
  select owner.id, owner.email, owner.locale, (
    select count(*)::int from identity.one_time_link as link
    where link.user_id = owner.id and link.purpose = 'reset_password' and link.created_at > $2::timestamptz - interval '1 hour'
  ) as mails
  from identity.user as owner
  where owner.email = any($1::text[]) and owner.state = 'active'`)

/**
 * Asks for a link for each address that belongs to an active user; others get nothing. One mail for an address that is named several times in a batch, and no more than MAILS_PER_HOUR_MAX
 * in an hour.
 */
export async function answerResetRequests(
  tx: Tx,
  app: Pick<App, 'clock'>,
  asked: readonly ResetAsked[],
): Promise<void> {
  const now = app.clock.now()
  const by_email = new Map(asked.map((each) => [each.email, each]))
  const owners = await tx.query<Owner>(READ, [textArray([...by_email.keys()]), now])
  const served = owners.filter((owner) => owner.mails < MAILS_PER_HOUR_MAX)
  const linkOf = ({ id, email, locale }: Owner): AskLink => ({ purpose: 'reset_password', user_id: id, email, locale })
  await askLinks(tx, now, served.map(linkOf))
  recordActs(
    tx,
    served.map((owner) => actOf(owner, by_email.get(owner.email) as ResetAsked)),
  )
}

/** Who asked is not known: it need not have been the owner. */
function actOf({ id }: Owner, { ip, user_agent }: ResetAsked): Act {
  return { action: 'passwords.reset_asked', actor: { kind: 'system', ip, user_agent }, subject: { kind: 'user', id } }
}
