import { type Db, statement, type Tx } from '#server/platform/db/database.ts'
import type { Secrets } from '#server/platform/secrets/secrets.ts'
import { LinkNotValidError } from '../errors.ts'
import type { LinkPurpose } from '../events.ts'
import { isTokenOf, linkIdOf } from './link-token.ts'

/** A link that works. */
export interface Link {
  id: bigint
  purpose: LinkPurpose
  user_id: bigint | null
  registration_id: bigint | null
  email_change_id: bigint | null
  email: string
}

/** A token as someone brings it. */
export interface PresentedLink {
  token: string
  /** What it may be for here. */
  purposes: readonly LinkPurpose[]
  now: Date
}

const READ = `
  select id, purpose, user_id, registration_id, email_change_id, email, nonce from identity.one_time_link
  where id = $1 and used_at is null and voided_at is null and expires_at > $2`
const READ_ONLY = statement(READ)
const READ_LOCKED = statement(`${READ} for no key update`)

/** The link of `token`, if it works for one of `purposes`; it is not used by that. Throws LinkNotValidError, without a word on why. */
export async function readLink(
  { db }: { db: Pick<Db | Tx, 'query'> },
  secrets: Secrets,
  { token, purposes, now }: PresentedLink,
  mode: 'lock' | 'look' = 'look',
): Promise<Link> {
  const id = linkIdOf(token)
  const sql = mode === 'lock' ? READ_LOCKED : READ_ONLY
  const [row] = id === undefined ? [] : await db.query<Link & { nonce: string }>(sql, [id, now])
  if (!row || !isTokenOf(secrets, row, token) || !purposes.includes(row.purpose)) throw new LinkNotValidError()
  const { nonce: _, ...link } = row
  return link
}
