import type { Actor } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import { lockWebhook, type WebhookOf } from './lock-webhook.ts'
import { withoutQuery } from './webhook.ts'

const DELETE = statement(`
  update notifications.webhook
  set deleted_at = $2, previous_ciphertext = null, previous_key_id = null, previous_until = null, version = version + 1
  where id = $1`)

/** Deletes a webhook: nothing is sent to it any more. Its log is kept for staff until it is too old. Throws WebhookNotFoundError. */
export async function deleteWebhook(app: App, of: WebhookOf, actor: Actor): Promise<void> {
  await app.db.transaction(async (tx) => {
    const { id, url, event_types } = await lockWebhook(tx, of)
    tx.send(DELETE, [id, app.clock.now()])
    const before = { url: withoutQuery(url), event_types }
    recordActs(tx, [{ action: 'webhooks.deleted', actor, subject: { kind: 'webhook', id }, before }])
  })
}
