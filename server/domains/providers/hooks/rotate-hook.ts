import { randomBytes } from 'node:crypto'
import type { Actor } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import type { Secrets } from '#server/platform/secrets/secrets.ts'
import { ProviderNotFoundError } from '../errors.ts'
import { findProvider } from '../queries.ts'
import { hookContext } from './hook.ts'

const SECRET_BYTES = 32

const upsert = statement(`
  insert into providers.hook (provider_id, secret_ciphertext, key_id, rotated_at) values ($1, $2, $3, $4)
  on conflict (provider_id) do update set secret_ciphertext = excluded.secret_ciphertext, key_id = excluded.key_id, rotated_at = excluded.rotated_at`)

/**
 * Lets a provider call us, or gives it a new secret: the one before ends at once. Answers the secret, which is told here and never again, and fits into a URL. Throws
 * ProviderNotFoundError.
 */
export async function rotateHook(
  app: Pick<App, 'db' | 'clock'>,
  secrets: Secrets,
  provider_id: bigint,
  actor: Actor,
): Promise<string> {
  // By its beginning it is known as a secret wherever texts are masked.
  const secret = `whsec_${randomBytes(SECRET_BYTES).toString('base64url')}`
  const sealed = secrets.seal(secret, hookContext(provider_id))
  await app.db.transaction(async (tx) => {
    if (!(await findProvider(tx, provider_id))) throw new ProviderNotFoundError(provider_id)
    await tx.query(upsert, [provider_id, sealed.ciphertext, sealed.key_id, app.clock.now()])
    recordActs(tx, [{ action: 'providers.hook-rotated', actor, subject: { kind: 'provider', id: provider_id } }])
  })
  return secret
}
