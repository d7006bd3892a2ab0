import { present } from '#server/kit/invariant.ts'
import type { App } from '#server/platform/app.ts'
import { textArray } from '#server/platform/db/arrays.ts'
import { statement } from '#server/platform/db/database.ts'
import { ALLOWED_IPS_MAX, normalNetwork } from './allowed-ips.ts'
import { API_KEY_COLUMNS, API_KEYS_PER_USER_MAX, type ApiKey } from './api-key.ts'
import { AccountBlockedError, BadFieldError, TooManyApiKeysError, UserNotFoundError } from './errors.ts'
import { SCOPES } from './principal.ts'
import { digestOf, newApiKey, shownPart } from './token.ts'
import { isName, NAME_MAX } from './user.ts'

export interface CreateApiKey {
  user_id: bigint
  name: string
  /** `*` alone when absent. */
  scopes?: readonly string[]
  /** Addresses and CIDRs, IPv4 or IPv6. None: from everywhere. */
  allowed_ips?: readonly string[]
  /** Whether the key may stand in the URL of a GET on /api/v2. No when absent. */
  legacy_get?: boolean
  expires_at?: Date
}

const LOCK_USER = statement('select state from identity.user where id = $1 for no key update')

const COUNT = statement('select count(*)::int as keys from identity.api_key where user_id = $1 and revoked_at is null')

const INSERT = statement(`
  insert into identity.api_key (user_id, name, prefix, key_hash, scopes, allowed_ips, legacy_get, created_at, expires_at)
  values ($1, $2, $3, $4, $5::text[], $6::cidr[], $7, $8, $9)
  returning ${API_KEY_COLUMNS}`)

/**
 * Makes a key for a user. `key` is told here and never again. Throws UserNotFoundError, AccountBlockedError, TooManyApiKeysError,
 * BadFieldError (`name`, `scopes`, `allowed_ips`, `expires_at`).
 */
export async function createApiKey(
  app: Pick<App, 'db' | 'clock'>,
  input: CreateApiKey,
): Promise<{ key: string; api_key: ApiKey }> {
  const now = app.clock.now()
  const fields = checked(input, now)
  const key = newApiKey()
  const api_key = await app.db.transaction(async (tx) => {
    // Held until the commit, so that two at once do not both take the last place.
    const [user] = await tx.query<{ state: string }>(LOCK_USER, [input.user_id])
    if (!user) throw new UserNotFoundError()
    if (user.state === 'blocked') throw new AccountBlockedError()
    const [count] = await tx.query<{ keys: number }>(COUNT, [input.user_id])
    if (present(count, 'count answers a row').keys >= API_KEYS_PER_USER_MAX) {
      throw new TooManyApiKeysError(API_KEYS_PER_USER_MAX)
    }
    const [row] = await tx.query<ApiKey>(INSERT, [
      input.user_id,
      fields.name,
      shownPart(key),
      Buffer.from(digestOf(key), 'hex'),
      textArray(fields.scopes),
      textArray(fields.allowed_ips),
      input.legacy_get ?? false,
      now,
      input.expires_at ?? null,
    ])
    return present(row, 'insert answers its row')
  })
  return { key, api_key }
}

function checked(input: CreateApiKey, now: Date): { name: string; scopes: string[]; allowed_ips: string[] } {
  const name = input.name.trim()
  if (name === '' || !isName(name)) throw new BadFieldError('name', `1 to ${NAME_MAX} characters.`)
  const scopes = [...new Set(input.scopes ?? ['*'])]
  if (scopes.length === 0 || !scopes.every((scope) => Object.hasOwn(SCOPES, scope))) {
    throw new BadFieldError('scopes', `One or more of ${Object.keys(SCOPES).join(', ')}.`)
  }
  const given = input.allowed_ips ?? []
  const allowed_ips = given.map(normalNetwork).filter((each) => each !== undefined)
  if (allowed_ips.length !== given.length || given.length > ALLOWED_IPS_MAX) {
    throw new BadFieldError(
      'allowed_ips',
      `Up to ${ALLOWED_IPS_MAX} addresses or CIDRs, such as 192.0.2.7 or 2001:db8::/32.`,
    )
  }
  if (input.expires_at && !(input.expires_at > now)) throw new BadFieldError('expires_at', 'A time to come.')
  return { name, scopes, allowed_ips: [...new Set(allowed_ips)] }
}
