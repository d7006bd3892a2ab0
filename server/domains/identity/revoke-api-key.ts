import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import { ApiKeyNotFoundError } from './errors.ts'

const REVOKE = statement(`
  update identity.api_key set revoked_at = coalesce(revoked_at, $3) where id = $1 and user_id = $2
  returning id`)

/** Revokes a key of `user_id`, everywhere within a second. Again does nothing. Throws ApiKeyNotFoundError, for another owner's key too. */
export async function revokeApiKey(
  app: Pick<App, 'db' | 'clock'>,
  input: { user_id: bigint; key_id: bigint },
): Promise<void> {
  const revoked = await app.db.query(REVOKE, [input.key_id, input.user_id, app.clock.now()])
  if (revoked.length === 0) throw new ApiKeyNotFoundError()
}
