import { backoff_ms } from '#server/kit/backoff.ts'
import { InvariantError } from '#server/kit/invariant.ts'
import { decodeJson } from '#server/kit/json.ts'
import type { App } from '../app.ts'
import { plainArray } from '../db/arrays.ts'
import { type Statement, statement, type Tx } from '../db/database.ts'
import { errorText } from '../jobs/error-text.ts'
import { reportFailure } from '../telemetry/failures.ts'
import type { StoredEvent } from './event.ts'
import { eventAttempts, eventRetryBase, eventRetryFactor, eventRetryMax } from './event-settings.ts'
import type { Subscription } from './subscription.ts'

/** Events a transaction: enough to make its cost small, few enough that subscribers' locks are held briefly. */
export const PUBLISH_BATCH = 500

const COLUMNS = 'o.id, o.type, o.subject, o.payload::text as payload, o.at, o.attempts'

// Rows are taken by being unpublished, never by `id > cursor`, which would miss a transaction that commits late under a smaller id.
// Taken rows are deleted at once; if the transaction fails they are back.
const TAKE_FRESH = statement(`
with taken as (
  select id from platform.outbox where next_at is null order by id limit $1 for update skip locked
)
delete from platform.outbox o using taken where o.id = taken.id returning ${COLUMNS}`)

const TAKE_DUE = statement(`
with taken as (
  select id from platform.outbox where next_at <= now() order by next_at limit $1 for update skip locked
)
delete from platform.outbox o using taken where o.id = taken.id returning ${COLUMNS}`)

const TAKE_THESE = statement(`
with taken as (
  select id from platform.outbox
  where id = any($1::bigint[]) and (next_at is null or next_at <= now())
  order by id for update skip locked
)
delete from platform.outbox o using taken where o.id = taken.id returning ${COLUMNS}`)

const POSTPONE = statement(`
update platform.outbox
set attempts = attempts + 1, next_at = now() + $3 * interval '1 millisecond', last_error = $4
where id = $1 and attempts = $2`)

const BURY = statement(`
with given_up as (
  delete from platform.outbox where id = $1 and attempts = $2 returning *
)
insert into platform.dead_letter
  (kind, source_id, name, subject, payload, error, attempts, attempts_max, correlation, first_at, last_at)
select 'event', id, type, subject, payload, $3, attempts + 1, $4, json_build_object('event_id', 'event_' || id), at, now()
from given_up
on conflict (kind, source_id) do nothing`)

/**
 * Hands fresh events to their subscribers, one batch. True when there may be more.
 * An event that a subscriber fails on waits and is tried again, alone if need be; its neighbours are delivered. Events
 * of a type without subscribers are done with. Throws only what the database throws.
 */
export function publishFresh(app: App, subscriptions: readonly Subscription[]): Promise<boolean> {
  return publishBatch(app, subscriptions, TAKE_FRESH)
}

/** As publishFresh, for events that failed before and whose next try is due. */
export function publishDue(app: App, subscriptions: readonly Subscription[]): Promise<boolean> {
  return publishBatch(app, subscriptions, TAKE_DUE)
}

type Event = StoredEvent<unknown>

async function publishBatch(app: App, subscriptions: readonly Subscription[], take: Statement): Promise<boolean> {
  let taken: Event[] = []
  try {
    await app.db.transaction(async (tx) => {
      taken = []
      taken = await takeEvents(tx, take, PUBLISH_BATCH)
      await deliver(tx, app, subscriptions, taken)
    })
  } catch (error) {
    if (taken.length === 0) throw error
    await publishApart(app, subscriptions, taken, error)
  }
  return taken.length === PUBLISH_BATCH
}

async function takeEvents(tx: Tx, take: Statement, argument: number | string): Promise<Event[]> {
  const rows = await tx.query<Omit<Event, 'payload'> & { payload: string }>(take, [argument])
  const events = rows.map((row) => ({ ...row, payload: decodeJson(row.payload) }))
  return events.sort((a, b) => (a.id < b.id ? -1 : 1))
}

async function deliver(tx: Tx, app: App, subscriptions: readonly Subscription[], events: Event[]): Promise<void> {
  for (const [type, ofType] of byType(events)) {
    for (const subscription of subscriptions) {
      if (subscription.type === type) await subscription.handle(tx, app, ofType)
    }
    tx.onCommit(() => published(app).inc({ type }, ofType.length))
  }
}

/** The batch as a whole failed with `error`: tries its types apart, then halves, until those at fault stand alone. */
async function publishApart(
  app: App,
  subscriptions: readonly Subscription[],
  events: Event[],
  error: unknown,
): Promise<void> {
  const [only] = events
  if (only !== undefined && events.length === 1) return recordFailure(app, only, error)
  for (const part of partsOf(events)) {
    try {
      await app.db.transaction(async (tx) => {
        // Another publisher may have taken some of them meanwhile.
        const taken = await takeEvents(tx, TAKE_THESE, plainArray(part.map((event) => event.id)))
        await deliver(tx, app, subscriptions, taken)
      })
    } catch (reason) {
      await publishApart(app, subscriptions, part, reason)
    }
  }
}

function partsOf(events: Event[]): Event[][] {
  const types = [...byType(events).values()]
  if (types.length > 1) return types
  const half = Math.ceil(events.length / 2)
  return [events.slice(0, half), events.slice(half)]
}

function byType(events: Event[]): Map<string, Event[]> {
  return Map.groupBy(events, (event) => event.type)
}

async function recordFailure(app: App, event: Event, error: unknown): Promise<void> {
  const attempts = event.attempts + 1
  const { id: event_id, type, subject } = event
  const attempts_max = app.settings.read(eventAttempts)
  failed(app).inc({ type })
  if (attempts >= attempts_max) {
    await app.db.query(BURY, [event.id, event.attempts, errorText(error), attempts_max])
    app.log.error({ event_id, type, subject, attempts, err: error }, 'event given up: it is a dead letter now')
    reportFailure({ kind: 'event', name: type, error, correlation: { event_id: `event_${event_id}` } })
    return
  }
  const wait_ms = backoff_ms(attempts, {
    base_ms: app.settings.read(eventRetryBase),
    factor: app.settings.read(eventRetryFactor),
    max_ms: app.settings.read(eventRetryMax),
  })
  await app.db.query(POSTPONE, [event.id, event.attempts, wait_ms, errorText(error)])
  app.log.warn({ event_id, type, subject, attempts, wait_ms, err: error }, 'event could not be delivered')
  if (error instanceof InvariantError) {
    reportFailure({ kind: 'event', name: type, error, correlation: { event_id: `event_${event_id}` } })
  }
}

function published(app: App) {
  return app.metrics.counter('saldo_events_published_total', 'Events handed to all their subscribers', ['type'])
}

function failed(app: App) {
  return app.metrics.counter('saldo_event_failures_total', 'Deliveries that a subscriber failed', ['type'])
}
