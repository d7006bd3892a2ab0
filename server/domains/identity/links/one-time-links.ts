import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import type { Secrets } from '#server/platform/secrets/secrets.ts'
import type { LinkPurpose } from '../events.ts'
import type { Locale } from '../user.ts'
import { linkToken } from './link-token.ts'

/** A link as it is written into a mail. */
export interface OneTimeLink {
  /** Whoever has it can use it: for the mail alone, never into a log, a table or an event. */
  url: string
  email: string
  locale: Locale
  purpose: LinkPurpose
  expires_at: Date
}

/** The page behind each link. */
const PAGES = {
  confirm_email: '/account/confirm',
  reset_password: '/account/reset',
  confirm_new_email: '/account/change-email',
  confirm_old_email: '/account/change-email',
  accept_invitation: '/account/invitation',
} as const satisfies Record<LinkPurpose, string>

interface Row {
  id: bigint
  nonce: string
  purpose: LinkPurpose
  email: string
  locale: Locale
  expires_at: Date
}

const READ = statement(`
  select id, nonce, purpose, email, locale, expires_at from identity.one_time_link
  where id = $1 and used_at is null and voided_at is null and expires_at > $2`)

/**
 * The link of this number as it goes into a mail, or undefined when it has been used, has expired or is void: then there is nothing to be sent. The token
 * stands in the fragment, which no browser sends and no server logs; it is computed anew each time and is the same each time.
 */
export async function oneTimeLink(
  app: Pick<App, 'db' | 'clock'> & { config: Pick<App['config'], 'public_url' | 'port'> },
  secrets: Secrets,
  link_id: bigint,
): Promise<OneTimeLink | undefined> {
  const [row] = await app.db.query<Row>(READ, [link_id, app.clock.now()])
  if (!row) return undefined
  const { purpose, email, locale, expires_at } = row
  const base = (app.config.public_url ?? `http://localhost:${app.config.port}`).replace(/\/$/, '')
  const url = `${base}${PAGES[purpose]}?lang=${locale}#${linkToken(secrets, row)}`
  return { url, email, locale, purpose, expires_at }
}
