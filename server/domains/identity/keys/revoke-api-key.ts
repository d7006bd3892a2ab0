import { type Actor, SYSTEM } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import { ApiKeyNotFoundError } from '../errors.ts'
import type { ApiKey } from './api-key.ts'
import { tellNotSuspended } from './reinstate-key.ts'

const LOCK = statement(`
  select id, user_id, name, prefix, suspended_at, revoked_at is not null as revoked from identity.api_key where id = $1 and user_id = $2 for no key update`)

type LockedKey = Pick<ApiKey, 'id' | 'user_id' | 'name' | 'prefix' | 'suspended_at'> & { revoked: boolean }

const REVOKE = statement('update identity.api_key set revoked_at = $2 where id = $1')

/** Revokes a key of `user_id`, everywhere within a second. Again does nothing. Throws ApiKeyNotFoundError, for another owner's key too. */
export async function revokeApiKey(
  app: Pick<App, 'db' | 'clock'>,
  { user_id, key_id, by = SYSTEM }: { user_id: bigint; key_id: bigint; by?: Actor },
): Promise<void> {
  await app.db.transaction(async (tx) => {
    const [key] = await tx.query<LockedKey>(LOCK, [key_id, user_id])
    if (!key) throw new ApiKeyNotFoundError()
    if (key.revoked) return
    const now = app.clock.now()
    tx.send(REVOKE, [key_id, now])
    if (key.suspended_at) tellNotSuspended(tx, key, now)
    const subject = { kind: 'api_key', id: key_id }
    recordActs(tx, [{ action: 'api-keys.revoked', actor: by, subject, after: { prefix: key.prefix } }])
  })
}
