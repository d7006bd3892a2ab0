import { z } from 'zod'
import type { Replayed, ReplayRange } from './deliveries/replay-deliveries.ts'
import { parseEventId, shownEventId } from './event-id.ts'
import { EVENT_TYPE_NAMES } from './event-types.ts'
import { type AttemptRow, DELIVERY_STATES, type DeliveryRow, shownState } from './queries.ts'
import {
  DESCRIPTION_MAX,
  EVENT_TYPES_MAX,
  EVERY_TYPE,
  SIGNATURES,
  URL_MAX,
  type Webhook,
  withoutQuery,
} from './webhook.ts'

const time = z.iso.datetime()

export const webhookShape = z.object({
  id: z.string().meta({ example: '12' }),
  url: z.string().meta({ example: 'https://example.com/webhooks' }),
  description: z.string().meta({ example: 'my shop' }),
  event_types: z.array(z.string()).meta({ example: ['order.completed', 'order.canceled'] }),
  signature: z.enum(SIGNATURES),
  state: z.enum(['enabled', 'disabled']),
  disabled_reason: z.enum(['owner', 'staff', 'gone', 'failing']).nullable().meta({
    description: 'gone: it answered 410. failing: it answered nothing but failures for long.',
  }),
  disabled_at: time.nullable(),
  failing_since: time.nullable().meta({ description: 'Since when nothing but failures; null while all is well.' }),
  failures: z.int().meta({ description: 'Failed attempts since then.', example: 0 }),
  previous_secret_until: time.nullable().meta({
    description: 'While its secret is being changed: until when the one before signs too.',
  }),
  created_at: time,
  version: z.string().meta({ example: '1' }),
})

export const webhookWithSecretShape = webhookShape.extend({
  secret: z.string().meta({ description: 'Shown here and never again.', example: 'whsec_…' }),
})

export const staffWebhookShape = webhookShape.extend({ user_id: z.string().meta({ example: '7' }) })

const eventTypes = z
  .array(z.enum([...EVENT_TYPE_NAMES, EVERY_TYPE]))
  .min(1)
  .max(EVENT_TYPES_MAX)

export const newWebhookInput = z.strictObject({
  url: z.string().min(1).max(URL_MAX).meta({ example: 'https://example.com/webhooks' }),
  event_types: eventTypes.meta({ description: 'Exact types, or `*` for all, those to come too.', example: ['*'] }),
  description: z.string().max(DESCRIPTION_MAX).default('').meta({ example: 'my shop' }),
  signature: z.enum(SIGNATURES).default('standard').meta({
    description:
      'standard: the header webhook-signature of Standard Webhooks. hmac_sha256: the header Saldo-Signature, HMAC-SHA256 of the body.',
  }),
})

export const webhookChangeInput = z.strictObject({
  url: newWebhookInput.shape.url.optional(),
  event_types: eventTypes.optional(),
  description: z.string().max(DESCRIPTION_MAX).optional(),
  signature: z.enum(SIGNATURES).optional(),
  version: z
    .string()
    .regex(/^[1-9]\d{0,17}$/)
    .optional()
    .meta({ description: 'The version that was read; refused when it has been changed since.', example: '1' }),
})

export const deliveryShape = z.object({
  event: z
    .string()
    .meta({ description: 'As in the header webhook-id.', example: 'msg_019a9f3c2b7c7a3e8d1b0c9e5f7a1d2e' }),
  webhook: z.string().meta({ example: '12' }),
  type: z.string().meta({ example: 'order.completed' }),
  at: time.meta({ description: 'When it happened.' }),
  state: z.enum(DELIVERY_STATES),
  reason: z.string().nullable().meta({
    description: 'Why it failed without an attempt: webhook_disabled, webhook_deleted, user_blocked.',
  }),
  attempts: z.int().meta({ example: 1 }),
  next_attempt_at: time.nullable().meta({ description: 'Not before this.' }),
  delivered_at: time.nullable(),
  last_status: z.int().nullable().meta({ description: 'The answer to the last attempt.', example: 200 }),
  last_failure: z.string().nullable().meta({ description: 'Why no answer came, such as timeout.' }),
})

const headers = z.record(z.string(), z.string())

const attemptShape = z.object({
  number: z.int().meta({ example: 1 }),
  at: time,
  manual: z.boolean().meta({ description: 'Whether a person asked for it.' }),
  duration_ms: z.int().meta({ example: 42 }),
  request: z.object({ url: z.string(), headers }),
  response: z.object({ status: z.int(), headers, body: z.string().meta({ description: 'Its beginning.' }) }).nullable(),
  failure: z.string().nullable().meta({ description: 'Why no answer came.' }),
})

export const deliveryDetailShape = deliveryShape.extend({
  body: z.string().meta({ description: 'What is sent, byte for byte.' }),
  log: z.array(attemptShape).meta({ description: 'The latest first.' }),
})

const id = z.string().regex(/^[1-9]\d{0,17}$/)
const event = z.string().max(60).meta({ example: 'msg_019a9f3c2b7c7a3e8d1b0c9e5f7a1d2e' })

export const webhookId = z.object({ id: id.meta({ example: '12' }) })
export const deliveryId = webhookId.extend({ event })

const PAGE_DEFAULT = 20
const PAGE_MAX = 100

export const pageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(PAGE_MAX).default(PAGE_DEFAULT),
  cursor: z.string().optional().meta({ description: 'From `next_cursor` or the Link header of the page before.' }),
})

export const deliveryQuery = pageQuery.extend({
  webhook: id.optional().meta({ description: 'Only those to this webhook.' }),
  event: event.optional().meta({ description: 'Only those of this event.' }),
  state: z.enum(DELIVERY_STATES).optional(),
})

export const deliveriesShape = z.object({
  data: z.array(deliveryShape),
  has_more: z.boolean(),
  next_cursor: z.string().nullable(),
})

export const replayInput = z.strictObject({
  since: z.iso.datetime({ offset: true }).meta({ description: 'Events told from this time on.' }),
  until: z.iso.datetime({ offset: true }).optional().meta({ description: 'And before this; now, when absent.' }),
  which: z.enum(['failed', 'all']).default('failed').meta({
    description: 'failed: what has failed for good. all: also what was delivered, and what waits for its next try.',
  }),
  after: z
    .string()
    .refine((text) => parseEventId(text) !== undefined, 'must be an event’s id')
    .optional()
    .meta({ description: 'Only those behind this event: `last` of the call before.' }),
})

export const replayedShape = z.object({
  replayed: z.int().meta({ example: 17 }),
  last: z.string().nullable().meta({ description: 'The last event that is sent again.' }),
  more: z.boolean().meta({ description: 'Whether there may be others behind it.' }),
})

export const replayStartedShape = z.object({ replayed: z.boolean() })

/** The range that a request asks for. */
export function replayRangeOf(input: z.output<typeof replayInput>): ReplayRange {
  const { since, until, which, after } = input
  return {
    since: new Date(since),
    until: until === undefined ? undefined : new Date(until),
    which,
    after: after === undefined ? undefined : parseEventId(after),
  }
}

/** How much of a range is sent again. */
export function replayedView({ replayed, last, more }: Replayed): z.output<typeof replayedShape> {
  return { replayed, last: last === undefined ? null : shownEventId(last), more }
}

/** A webhook as its owner sees it. */
export function webhookView(webhook: Webhook): z.output<typeof webhookShape> {
  const { id, url, description, event_types, signature, state, disabled_reason, failures } = webhook
  return {
    ...{ url, description, event_types, signature, state, disabled_reason, failures },
    id: String(id),
    disabled_at: webhook.disabled_at?.toISOString() ?? null,
    failing_since: webhook.failing_since?.toISOString() ?? null,
    previous_secret_until: webhook.previous_until?.toISOString() ?? null,
    created_at: webhook.created_at.toISOString(),
    version: String(webhook.version),
  }
}

/** A webhook as staff see it: what stands behind the question mark of its address is the owner's. */
export function staffWebhookView(webhook: Webhook): z.output<typeof staffWebhookShape> {
  return { ...webhookView(webhook), url: withoutQuery(webhook.url), user_id: String(webhook.user_id) }
}

/** A delivery as its owner and staff see it. */
export function deliveryView(row: DeliveryRow): z.output<typeof deliveryShape> {
  const { type, reason, attempts, last_status, last_failure } = row
  return {
    ...{ type, reason, attempts, last_status, last_failure },
    event: shownEventId(row.event_id),
    webhook: String(row.webhook_id),
    at: row.at.toISOString(),
    state: shownState(row),
    next_attempt_at: row.due_at?.toISOString() ?? null,
    delivered_at: row.delivered_at?.toISOString() ?? null,
  }
}

/** A delivery with its log. `shownUrl` is how its reader may see addresses. */
export function deliveryDetailView(
  { delivery, attempts }: { delivery: DeliveryRow & { body: string }; attempts: readonly AttemptRow[] },
  shownUrl: (url: string) => string = (url) => url,
): z.output<typeof deliveryDetailShape> {
  const log = attempts.map(({ number, at, manual, duration_ms, failure, ...attempt }) => ({
    ...{ number, manual, duration_ms, failure },
    at: at.toISOString(),
    request: { url: shownUrl(attempt.url), headers: attempt.request_headers },
    response:
      attempt.status === null
        ? null
        : { status: attempt.status, headers: attempt.response_headers ?? {}, body: attempt.response_body ?? '' },
  }))
  return { ...deliveryView(delivery), body: delivery.body, log }
}
