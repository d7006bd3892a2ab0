import type { Actor } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import type { App } from '#server/platform/app.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { ApiKeyNotFoundError, ApiKeyRotatedError } from '../errors.ts'
import { tellOwner } from '../tell-owner.ts'
import { API_KEY_COLUMNS, API_KEYS_IN_ROTATION_MAX, type ApiKey, apiKeyFacts } from './api-key.ts'
import { insertApiKey } from './insert-api-key.ts'
import { tellNotSuspended } from './reinstate-key.ts'

const HOUR_MS = 60 * 60_000
/** A day to bring the new key to where the old one is. */
export const OVERLAP_HOURS = 24
/** Two keys for longer than a week are two keys. */
export const OVERLAP_HOURS_MAX = 168

// Before its key: rows are locked in this order wherever both are.
const LOCK_USER = statement('select 1 as one from identity.user where id = $1 for no key update')

const LOCK_KEY = statement(`
  select ${API_KEY_COLUMNS}, exists (select from identity.api_key as next where next.rotated_from = api_key.id) as rotated
  from identity.api_key
  where id = $1 and user_id = $2 and revoked_at is null and (expires_at is null or expires_at > $3)
  for no key update of api_key`)

const EXPIRE = statement('update identity.api_key set expires_at = least(expires_at, $2) where id = $1')

const REVOKE = statement('update identity.api_key set revoked_at = $2 where id = $1')

/**
 * Makes a key in the place of another: same name, scopes, networks and length of life. The old one goes on for `overlap_hours` (at once over with 0, or where it was suspended), so that it can be exchanged
 * without a gap. `key` is told here and never again. Throws ApiKeyNotFoundError, for another owner's, a revoked and an expired key too; ApiKeyRotatedError when it was
 * rotated before; AccountBlockedError, TooManyApiKeysError.
 */
export async function rotateApiKey(
  app: Pick<App, 'db' | 'clock'>,
  input: { user_id: bigint; key_id: bigint; overlap_hours?: number; by: Actor },
): Promise<{ key: string; api_key: ApiKey }> {
  const { user_id, key_id, overlap_hours = OVERLAP_HOURS, by } = input
  const now = app.clock.now()
  return app.db.transaction(async (tx) => {
    const old = await lockKey(tx, user_id, key_id, now)
    // What is suspended opened nothing, so there is nothing to go on.
    const ends_at_once = overlap_hours === 0 || old.suspended_at !== null
    const life_ms = old.expires_at && old.expires_at.getTime() - old.created_at.getTime()
    const made = await insertApiKey(tx, {
      user_id,
      fields: old,
      expires_at: life_ms === null ? null : new Date(now.getTime() + life_ms),
      rotated_from: old.id,
      now,
      max: API_KEYS_IN_ROTATION_MAX,
    })
    if (old.suspended_at) tellNotSuspended(tx, old, now)
    if (ends_at_once) tx.send(REVOKE, [old.id, now])
    else tx.send(EXPIRE, [old.id, new Date(now.getTime() + overlap_hours * HOUR_MS)])
    const subject = { kind: 'api_key', id: old.id }
    const after = { ...apiKeyFacts(made.api_key), id: made.api_key.id, overlap_hours: ends_at_once ? 0 : overlap_hours }
    recordActs(tx, [{ action: 'api-keys.rotated', actor: by, subject, before: apiKeyFacts(old), after }])
    tellOwner(tx, { user_id, kind: 'api_key_rotated', now, by })
    return made
  })
}

async function lockKey(tx: Tx, user_id: bigint, key_id: bigint, now: Date): Promise<ApiKey> {
  await tx.query(LOCK_USER, [user_id])
  const [row] = await tx.query<ApiKey & { rotated: boolean }>(LOCK_KEY, [key_id, user_id, now])
  if (!row) throw new ApiKeyNotFoundError()
  const { rotated, ...old } = row
  if (rotated) throw new ApiKeyRotatedError()
  return old
}
