import type { Actor } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import type { App } from '#server/platform/app.ts'
import { textArray } from '#server/platform/db/arrays.ts'
import { statement } from '#server/platform/db/database.ts'
import { WebhookChangedError } from './errors.ts'
import { forgetFailures } from './forget-failures.ts'
import { lockWebhook, type WebhookOf } from './lock-webhook.ts'
import { type Signature, type Webhook, withoutQuery } from './webhook.ts'

/** What is to be otherwise; the rest stays. `url` as `readWebhookUrl` answers it. */
export interface WebhookChange {
  url?: string | undefined
  description?: string | undefined
  event_types?: readonly string[] | undefined
  signature?: Signature | undefined
}

const UPDATE = statement(`
  update notifications.webhook
  set url = $2, description = $3, event_types = $4::text[], signature = $5, version = version + 1
  where id = $1`)

/**
 * Changes a webhook: what is sent from now on, retries too, goes by it. With `version`, only if it is still that version. Throws WebhookNotFoundError,
 * WebhookChangedError.
 */
export async function editWebhook(
  app: App,
  of: WebhookOf,
  change: WebhookChange & { version?: bigint | undefined },
  actor: Actor,
): Promise<Webhook> {
  return app.db.transaction(async (tx) => {
    // Another address is another receiver.
    if (change.url !== undefined) forgetFailures(tx, of.webhook_id)
    const webhook = await lockWebhook(tx, of)
    if (change.version !== undefined && change.version !== webhook.version) throw new WebhookChangedError()
    const { url = webhook.url, description = webhook.description, signature = webhook.signature } = change
    const event_types = [...new Set(change.event_types ?? webhook.event_types)]
    await tx.query(UPDATE, [webhook.id, url, description, textArray(event_types), signature])
    const after = { url, description, event_types, signature }
    const subject = { kind: 'webhook', id: webhook.id }
    recordActs(tx, [{ action: 'webhooks.edited', actor, subject, before: auditOf(webhook), after: auditOf(after) }])
    return { ...webhook, ...after, version: webhook.version + 1n }
  })
}

function auditOf({ url, description, event_types, signature }: Required<WebhookChange> | Webhook) {
  return { url: withoutQuery(url as string), description, event_types, signature }
}
