import { defineEvent } from '#server/platform/outbox/event.ts'
import type { DisabledReason } from './webhook.ts'

/** A webhook was disabled and not by its owner, who is to be told. */
export interface WebhookDisabled {
  webhook_id: bigint
  user_id: bigint
  /** Without its query. */
  url: string
  reason: DisabledReason
  /** ISO 8601. */
  at: string
}

/** A webhook does not work any more; its owner should know. */
export const webhookDisabled = defineEvent<WebhookDisabled>(
  'notifications.webhook_disabled',
  ({ webhook_id }) => `webhook:${webhook_id}`,
)

/** A process without a worker made deliveries due; whoever hears it looks. */
export const deliveriesDue = defineEvent<Record<string, never>>('notifications.deliveries_due')
