import { type Actor, SYSTEM } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import type { App } from '#server/platform/app.ts'
import { BadFieldError } from '../errors.ts'
import { tellOwner } from '../tell-owner.ts'
import { API_KEYS_PER_USER_MAX, type ApiKey, apiKeyFacts } from './api-key.ts'
import { checkApiKeyFields } from './api-key-fields.ts'
import { insertApiKey } from './insert-api-key.ts'

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
  /** Who makes it; the house itself when absent. */
  by?: Actor
}

/**
 * Makes a key for a user and tells the owner. `key` is told here and never again. Throws UserNotFoundError, AccountBlockedError, TooManyApiKeysError,
 * BadFieldError (`name`, `scopes`, `allowed_ips`, `expires_at`).
 */
export async function createApiKey(
  app: Pick<App, 'db' | 'clock'>,
  input: CreateApiKey,
): Promise<{ key: string; api_key: ApiKey }> {
  const now = app.clock.now()
  const { user_id, expires_at = null, by = SYSTEM } = input
  if (expires_at && !(expires_at > now)) throw new BadFieldError('expires_at', 'A time to come.')
  const defaults = { name: '', scopes: ['*' as const], allowed_ips: [], legacy_get: false }
  const fields = { ...defaults, ...checkApiKeyFields(input) }
  const max = API_KEYS_PER_USER_MAX
  return app.db.transaction(async (tx) => {
    const made = await insertApiKey(tx, { user_id, fields, expires_at, rotated_from: null, now, max })
    const subject = { kind: 'api_key', id: made.api_key.id }
    const after = { ...apiKeyFacts(made.api_key), user_id }
    recordActs(tx, [{ action: 'api-keys.created', actor: by, subject, after }])
    // The house's own seeds surprise nobody.
    if (by.kind !== 'system') tellOwner(tx, { user_id, kind: 'api_key_created', now, by })
    return made
  })
}
