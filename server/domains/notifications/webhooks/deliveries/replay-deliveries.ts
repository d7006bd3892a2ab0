import type { Actor } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import { timedUuidFloor } from '#server/kit/id.ts'
import type { App } from '#server/platform/app.ts'
import { plainArray } from '#server/platform/db/arrays.ts'
import { type Statement, statement, type Tx } from '#server/platform/db/database.ts'
import { emit } from '#server/platform/outbox/emit.ts'
import { DeliveryNotFoundError, WebhookDisabledError } from '../errors.ts'
import { deliveriesDue } from '../events.ts'
import { lockWebhook, type WebhookOf } from '../lock-webhook.ts'

/** Deliveries of one call. They are sent behind what happens meanwhile, so more only make the next call wait. */
const REPLAY_MAX = 1_000

/** What is to be sent again. Times are those at which the events were told. */
export interface ReplayRange {
  since: Date
  /** Not yet told at this time; now, when absent. */
  until?: Date | undefined
  /** `failed`: what has failed for good. `all`: also what was delivered, and what waits for its next try. */
  which: 'failed' | 'all'
  /** Only those behind this event, to go on from a call that answered `more`. */
  after?: string | undefined
}

/** `last` is the last event looked at; `more`: there may be others behind it. */
export interface Replayed {
  replayed: number
  last: string | undefined
  more: boolean
}

// The event is held, so that it is not deleted for its age at the same moment.
const rangeOf = (states: string) =>
  statement(`
  select d.event_id from notifications.webhook_delivery d join notifications.webhook_event e on e.id = d.event_id
  where d.webhook_id = $1 and d.event_id >= $2 and d.event_id < $3 and ($4::uuid is null or d.event_id > $4) and ${states}
  order by d.event_id limit $5 for no key update of d for key share of e`)

const RANGES: Record<ReplayRange['which'], Statement> = {
  failed: rangeOf(`d.state <> 'delivered' and d.state = 'failed'`),
  all: rangeOf(`d.state in ('failed', 'delivered', 'waiting')`),
}

const LOCK_ONE = statement(`
  select d.state from notifications.webhook_delivery d join notifications.webhook_event e on e.id = d.event_id
  where d.event_id = $1 and d.webhook_id = $2 for no key update of d for key share of e`)

const MAKE_DUE = statement(`
  update notifications.webhook_delivery
  set state = 'due', manual = true, resume_at = case when state = 'waiting' then due_at end, due_at = $3, reason = null
  where webhook_id = $1 and event_id = any($2::uuid[])`)

/**
 * Sends one delivery again now, whatever has become of it; one that is on its way already is left alone. Should it fail, nothing more is scheduled than was. Answers whether it was made due.
 * Throws WebhookNotFoundError, DeliveryNotFoundError, WebhookDisabledError.
 */
export async function replayDelivery(app: App, of: WebhookOf, event_id: string, actor: Actor): Promise<boolean> {
  return app.db.transaction(async (tx) => {
    const [delivery] = await tx.query<{ state: string }>(LOCK_ONE, [event_id, of.webhook_id])
    const { id, state } = await lockWebhook(tx, of)
    if (!delivery) throw new DeliveryNotFoundError()
    if (state === 'disabled') throw new WebhookDisabledError()
    if (delivery.state === 'due' || delivery.state === 'sending') return false
    makeDue(app, tx, id, [event_id])
    const subject = { kind: 'webhook', id }
    recordActs(tx, [{ action: 'webhooks.replayed', actor, subject, after: { event_id, deliveries: 1 } }])
    return true
  })
}

/**
 * Sends the deliveries of a range again, the oldest first, up to REPLAY_MAX; what is on its way already is left alone. Throws WebhookNotFoundError,
 * WebhookDisabledError.
 */
export async function replayDeliveries(app: App, of: WebhookOf, range: ReplayRange, actor: Actor): Promise<Replayed> {
  const { since, until = app.clock.now(), which, after } = range
  return app.db.transaction(async (tx) => {
    const bounds = [timedUuidFloor(since), timedUuidFloor(until), after, REPLAY_MAX]
    const found = await tx.query<{ event_id: string }>(RANGES[which], [of.webhook_id, ...bounds])
    const { id, state } = await lockWebhook(tx, of)
    if (state === 'disabled') throw new WebhookDisabledError()
    const events = found.map((row) => row.event_id)
    if (events.length > 0) {
      makeDue(app, tx, id, events)
      const told = { which, since, until, deliveries: events.length }
      recordActs(tx, [{ action: 'webhooks.replayed', actor, subject: { kind: 'webhook', id }, after: told }])
    }
    return { replayed: events.length, last: events.at(-1), more: events.length === REPLAY_MAX }
  })
}

function makeDue(app: App, tx: Tx, webhook_id: bigint, events: readonly string[]): void {
  tx.send(MAKE_DUE, [webhook_id, plainArray(events), app.clock.now()])
  emit(tx, deliveriesDue, [{}])
}
