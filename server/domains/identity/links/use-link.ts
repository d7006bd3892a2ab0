import { statement, type Tx } from '#server/platform/db/database.ts'
import type { Secrets } from '#server/platform/secrets/secrets.ts'
import { LinkNotValidError } from '../errors.ts'
import type { LinkPurpose } from '../events.ts'
import { isTokenOf, linkIdOf } from './link-token.ts'

/** A link that was just used. */
export interface UsedLink {
  id: bigint
  purpose: LinkPurpose
  user_id: bigint | null
  registration_id: bigint | null
  email_change_id: bigint | null
  email: string
}

interface Row extends UsedLink {
  nonce: string
}

// The lock makes the second of two at once wait here and then find the link used.
const LOCK = statement(`
  select id, purpose, user_id, registration_id, email_change_id, email, nonce from identity.one_time_link
  where id = $1 and used_at is null and voided_at is null and expires_at > $2
  for no key update`)

const USE = statement('update identity.one_time_link set used_at = $2 where id = $1')

const VOID_OTHERS = statement(`
  update identity.one_time_link set voided_at = $4
  where user_id = $1 and purpose = $2 and id <> $3 and used_at is null and voided_at is null`)

/**
 * Uses the link of `token`, which must be for one of `purposes`; what is done with it belongs into the same transaction. The user's other links of
 * that purpose are void from then on. Throws LinkNotValidError, without a word on why.
 */
export async function useLink(
  tx: Tx,
  secrets: Secrets,
  input: { token: string; purposes: readonly LinkPurpose[]; now: Date },
): Promise<UsedLink> {
  const id = linkIdOf(input.token)
  const [row] = id === undefined ? [] : await tx.query<Row>(LOCK, [id, input.now])
  if (!row || !isTokenOf(secrets, row, input.token) || !input.purposes.includes(row.purpose))
    throw new LinkNotValidError()
  tx.send(USE, [row.id, input.now])
  if (row.user_id !== null) tx.send(VOID_OTHERS, [row.user_id, row.purpose, row.id, input.now])
  const { nonce: _, ...link } = row
  return link
}
