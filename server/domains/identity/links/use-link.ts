import { statement, type Tx } from '#server/platform/db/database.ts'
import type { Secrets } from '#server/platform/secrets/secrets.ts'
import { type Link, type PresentedLink, readLink } from './read-link.ts'

const USE = statement('update identity.one_time_link set used_at = $2 where id = $1')

const VOID_OTHERS = statement(`
  update identity.one_time_link set voided_at = $4
  where user_id = $1 and purpose = $2 and id <> $3 and used_at is null and voided_at is null`)

/**
 * Uses the link of `token`, which must be for one of `purposes`; what is done with it belongs into the same transaction. The user's other links of
 * that purpose are void from then on. Throws LinkNotValidError, without a word on why.
 */
export async function useLink(tx: Tx, secrets: Secrets, presented: PresentedLink): Promise<Link> {
  const { now } = presented
  // Read under a lock: the second of two at once waits there and then finds the link used.
  const link = await readLink({ db: tx }, secrets, presented, 'lock')
  tx.send(USE, [link.id, now])
  if (link.user_id !== null) tx.send(VOID_OTHERS, [link.user_id, link.purpose, link.id, now])
  return link
}
