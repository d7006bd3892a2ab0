import type { Actor } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import { newWebhookSecret } from '#server/kit/standard-webhooks.ts'
import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import type { Secrets } from '#server/platform/secrets/secrets.ts'
import { lockWebhook, type WebhookOf } from './lock-webhook.ts'
import { secretOverlapHours } from './settings.ts'
import { secretContext, type Webhook } from './webhook.ts'

const HOUR_MS = 3_600_000

// Both are sealed for the same webhook, so the one before stays as it is.
const ROTATE = statement(`
  update notifications.webhook
  set previous_ciphertext = case when $4::timestamptz is not null then secret_ciphertext end,
    previous_key_id = case when $4::timestamptz is not null then secret_key_id end, previous_until = $4,
    secret_ciphertext = $2, secret_key_id = $3, version = version + 1
  where id = $1`)

/**
 * Gives a webhook a new secret, told here and never again. The one before signs too for `overlap_hours`, by default as the setting says; 0 ends it at once, as when it was
 * seen by others. One that still signed from an earlier change ends now. Throws WebhookNotFoundError.
 */
export async function rotateSecret(
  app: App,
  secrets: Secrets,
  { overlap_hours = app.settings.read(secretOverlapHours), ...of }: WebhookOf & { overlap_hours?: number | undefined },
  actor: Actor,
): Promise<{ webhook: Webhook; secret: string }> {
  const secret = newWebhookSecret()
  const until = new Date(app.clock.now().getTime() + overlap_hours * HOUR_MS)
  const previous_until = overlap_hours > 0 ? until : null
  const webhook = await app.db.transaction(async (tx) => {
    const before = await lockWebhook(tx, of)
    const sealed = secrets.seal(secret, secretContext(before.id))
    await tx.query(ROTATE, [before.id, sealed.ciphertext, sealed.key_id, previous_until])
    const subject = { kind: 'webhook', id: before.id }
    recordActs(tx, [{ action: 'webhooks.secret-rotated', actor, subject, after: { overlap_hours } }])
    return { ...before, previous_until, version: before.version + 1n }
  })
  return { webhook, secret }
}
