import { type Actor, SYSTEM } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import { ApiKeyNotFoundError } from '../errors.ts'

const LOCK = statement(`
  select prefix, revoked_at is not null as revoked from identity.api_key where id = $1 and user_id = $2 for no key update`)

const REVOKE = statement('update identity.api_key set revoked_at = $2 where id = $1')

/** Revokes a key of `user_id`, everywhere within a second. Again does nothing. Throws ApiKeyNotFoundError, for another owner's key too. */
export async function revokeApiKey(
  app: Pick<App, 'db' | 'clock'>,
  { user_id, key_id, by = SYSTEM }: { user_id: bigint; key_id: bigint; by?: Actor },
): Promise<void> {
  await app.db.transaction(async (tx) => {
    const [key] = await tx.query<{ prefix: string; revoked: boolean }>(LOCK, [key_id, user_id])
    if (!key) throw new ApiKeyNotFoundError()
    if (key.revoked) return
    tx.send(REVOKE, [key_id, app.clock.now()])
    const subject = { kind: 'api_key', id: key_id }
    recordActs(tx, [{ action: 'api-keys.revoked', actor: by, subject, after: { prefix: key.prefix } }])
  })
}
