import { present } from '#server/kit/invariant.ts'
import { textArray } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { AccountBlockedError, TooManyApiKeysError, UserNotFoundError } from '../errors.ts'
import { digestOf, newApiKey, shownPart } from '../token.ts'
import { API_KEY_COLUMNS, type ApiKey } from './api-key.ts'
import type { ApiKeyFields } from './api-key-fields.ts'

const LOCK_USER = statement('select state from identity.user where id = $1 for no key update')

const COUNT = statement(`
  select count(*)::int as keys from identity.api_key
  where user_id = $1 and revoked_at is null and (expires_at is null or expires_at > $2)`)

const INSERT = statement(`
  insert into identity.api_key
    (user_id, name, prefix, key_hash, scopes, allowed_ips, legacy_get, created_at, expires_at, rotated_from)
  values ($1, $2, $3, $4, $5::text[], $6::cidr[], $7, $8, $9, $10)
  returning ${API_KEY_COLUMNS}`)

/** Makes a key of checked fields; no more than `max` of a user are open at once. Throws UserNotFoundError, AccountBlockedError, TooManyApiKeysError. */
export async function insertApiKey(
  tx: Tx,
  input: {
    user_id: bigint
    fields: ApiKeyFields
    expires_at: Date | null
    rotated_from: bigint | null
    now: Date
    max: number
  },
): Promise<{ key: string; api_key: ApiKey }> {
  const { user_id, fields, now, max } = input
  // Held until the commit, so that two at once do not both take the last place.
  const [user] = await tx.query<{ state: string }>(LOCK_USER, [user_id])
  if (!user) throw new UserNotFoundError()
  if (user.state === 'blocked') throw new AccountBlockedError()
  const [count] = await tx.query<{ keys: number }>(COUNT, [user_id, now])
  if (present(count, 'count answers a row').keys >= max) throw new TooManyApiKeysError(max)
  const key = newApiKey()
  const [row] = await tx.query<ApiKey>(INSERT, [
    user_id,
    fields.name,
    shownPart(key),
    Buffer.from(digestOf(key), 'hex'),
    textArray(fields.scopes),
    textArray(fields.allowed_ips),
    fields.legacy_get,
    now,
    input.expires_at,
    input.rotated_from,
  ])
  return { key, api_key: present(row, 'insert answers its row') }
}
