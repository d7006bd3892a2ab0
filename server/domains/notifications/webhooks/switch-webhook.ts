import type { Actor } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import { emit } from '#server/platform/outbox/emit.ts'
import { deliveriesDue, webhookDisabled } from './events.ts'
import { forgetFailures } from './forget-failures.ts'
import { lockWebhook, type WebhookOf } from './lock-webhook.ts'
import { type Webhook, withoutQuery } from './webhook.ts'

/** How a webhook is to be switched. `reason`: in the words of whoever does it; `by`: who that is to its owner. */
export type WebhookSwitch = { on: true } | { on: false; by: 'owner' | 'staff'; reason?: string | undefined }

const SWITCH = statement(`
  update notifications.webhook set state = $2, disabled_reason = $3, disabled_at = $4, version = version + 1 where id = $1`)

/**
 * Enables a webhook, which then begins anew, or disables it: what is on its way waits for its time and fails if it is still disabled then. Switching it to what it is
 * does nothing. Throws WebhookNotFoundError.
 */
export async function switchWebhook(app: App, of: WebhookOf, to: WebhookSwitch, actor: Actor): Promise<Webhook> {
  const now = app.clock.now()
  return app.db.transaction(async (tx) => {
    if (to.on) forgetFailures(tx, of.webhook_id)
    const webhook = await lockWebhook(tx, of)
    const state = to.on ? 'enabled' : 'disabled'
    if (webhook.state === state) return webhook
    const disabled_reason = to.on ? null : to.by
    const disabled_at = to.on ? null : now
    await tx.query(SWITCH, [webhook.id, state, disabled_reason, disabled_at])
    const subject = { kind: 'webhook', id: webhook.id }
    const reason = to.on ? undefined : to.reason
    recordActs(tx, [{ action: `webhooks.${state}`, actor, subject, ...(reason !== undefined && { reason }) }])
    // Those that waited for it, and were due meanwhile.
    if (to.on) emit(tx, deliveriesDue, [{}])
    else if (to.by === 'staff') {
      const { id: webhook_id, user_id, url } = webhook
      const told = { webhook_id, user_id, url: withoutQuery(url), reason: 'staff' as const, at: now.toISOString() }
      emit(tx, webhookDisabled, [told])
    }
    return { ...webhook, state, disabled_reason, disabled_at, version: webhook.version + 1n }
  })
}
