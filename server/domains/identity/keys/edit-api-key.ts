import type { Actor } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import { present } from '#server/kit/invariant.ts'
import type { App } from '#server/platform/app.ts'
import { textArray } from '#server/platform/db/arrays.ts'
import { statement } from '#server/platform/db/database.ts'
import { ApiKeyNotFoundError } from '../errors.ts'
import { API_KEY_COLUMNS, type ApiKey, apiKeyFacts } from './api-key.ts'
import { checkApiKeyFields } from './api-key-fields.ts'

export interface EditApiKey {
  user_id: bigint
  key_id: bigint
  /** What is absent stays. */
  change: {
    name?: string | undefined
    scopes?: readonly string[] | undefined
    allowed_ips?: readonly string[] | undefined
    legacy_get?: boolean | undefined
  }
  by: Actor
}

const LOCK = statement(`
  select ${API_KEY_COLUMNS} from identity.api_key
  where id = $1 and user_id = $2 and revoked_at is null and (expires_at is null or expires_at > $3) for no key update`)

const UPDATE = statement(`
  update identity.api_key set name = $2, scopes = $3::text[], allowed_ips = $4::cidr[], legacy_get = $5 where id = $1
  returning ${API_KEY_COLUMNS}`)

/**
 * Changes what a key is called, may do, and from where; effective everywhere within a second. Throws ApiKeyNotFoundError, for another owner's, a revoked and an expired key too;
 * BadFieldError (`name`, `scopes`, `allowed_ips`).
 */
export async function editApiKey(app: Pick<App, 'db' | 'clock'>, input: EditApiKey): Promise<ApiKey> {
  const change = checkApiKeyFields(input.change)
  return app.db.transaction(async (tx) => {
    const [before] = await tx.query<ApiKey>(LOCK, [input.key_id, input.user_id, app.clock.now()])
    if (!before) throw new ApiKeyNotFoundError()
    const { name, scopes, allowed_ips, legacy_get } = { ...before, ...change }
    const values = [before.id, name, textArray(scopes), textArray(allowed_ips), legacy_get]
    const [row] = await tx.query<ApiKey>(UPDATE, values)
    const after = present(row, 'a locked key vanished')
    const subject = { kind: 'api_key', id: before.id }
    recordActs(tx, [
      { action: 'api-keys.edited', actor: input.by, subject, before: apiKeyFacts(before), after: apiKeyFacts(after) },
    ])
    return after
  })
}
