import type { Actor } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import { newTimedUuid } from '#server/kit/id.ts'
import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import { emit } from '#server/platform/outbox/emit.ts'
import { WebhookDisabledError } from './errors.ts'
import { eventBody } from './event-body.ts'
import { deliveriesDue } from './events.ts'
import { lockWebhook, type WebhookOf } from './lock-webhook.ts'

const INSERT_EVENT = statement(`
  insert into notifications.webhook_event (id, user_id, type, at, body) values ($1, $2, 'webhook.test', $3, $4)`)

// As if a person had asked for the attempt, which they did: a failure schedules nothing.
const INSERT_DELIVERY = statement(`
  insert into notifications.webhook_delivery (event_id, webhook_id, state, manual, due_at) values ($1, $2, 'due', true, $3)`)

/** Sends a test event to a webhook, once, whatever types it wants. Answers the event's id. Throws WebhookNotFoundError, WebhookDisabledError. */
export async function sendTestEvent(app: App, of: WebhookOf, actor: Actor): Promise<string> {
  const now = app.clock.now()
  const event_id = newTimedUuid(now)
  await app.db.transaction(async (tx) => {
    const { id, user_id, state } = await lockWebhook(tx, of)
    if (state === 'disabled') throw new WebhookDisabledError()
    const body = eventBody('webhook.test', now, { webhook: String(id), message: 'This webhook works.' })
    tx.send(INSERT_EVENT, [event_id, user_id, now, body])
    tx.send(INSERT_DELIVERY, [event_id, id, now])
    recordActs(tx, [{ action: 'webhooks.tested', actor, subject: { kind: 'webhook', id } }])
    emit(tx, deliveriesDue, [{}])
  })
  return event_id
}
