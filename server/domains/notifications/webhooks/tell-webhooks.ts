import { newTimedUuid } from '#server/kit/id.ts'
import type { App } from '#server/platform/app.ts'
import { dateArray, int8Array, int8Column, plainArray, textArray } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { eventBody } from './event-body.ts'
import type { EventData, EventTypeName } from './event-types.ts'
import { wants } from './webhook.ts'

/** Rows of one insert: a few hundred take the database as long as one, and a statement stays within a megabyte. */
const ROWS_MAX = 1_000

/** Something that a user may want to be told of. */
export interface News {
  user_id: bigint
  type: EventTypeName
  /** When it happened. */
  at: Date
  /** Asked only when someone wants it. */
  data: () => EventData
}

/**
 * Writes each piece of news once for its user, and a delivery for each webhook of theirs that wants it: in the publisher's transaction, so exactly once. A webhook that is
 * disabled, or whose user is blocked, gets deliveries that have failed, to be replayed later. Answers how many are due.
 */
export async function tellWebhooks(tx: Tx, app: Pick<App, 'clock'>, news: readonly News[]): Promise<number> {
  const listening = await listeningWebhooks(tx, new Set(news.map(({ user_id }) => user_id)))
  if (listening.size === 0) return 0
  const now = app.clock.now()
  let events: EventRow[] = []
  let deliveries: DeliveryRow[] = []
  let due = 0
  const write = () => {
    insert(tx, events, deliveries, now)
    due += deliveries.filter(({ deaf }) => deaf === null).length
    events = []
    deliveries = []
  }
  for (const { user_id, type, at, data } of news) {
    const wanting = listening.get(user_id)?.filter((webhook) => wants(webhook, type)) ?? []
    if (wanting.length === 0) continue
    const event_id = newTimedUuid(now)
    events.push({ id: event_id, user_id, type, at, body: eventBody(type, at, data()) })
    deliveries.push(...wanting.map(({ id, deaf }) => ({ event_id, webhook_id: id, deaf })))
    if (deliveries.length >= ROWS_MAX) write()
  }
  if (events.length > 0) write()
  return due
}

interface Listening {
  id: bigint
  user_id: bigint
  event_types: string[]
  /** Why nothing is sent to it at present. */
  deaf: string | null
}

const selectListening = statement(`
  select w.id, w.user_id, w.event_types, case when u.state = 'blocked' then 'user_blocked' when w.state = 'disabled' then 'webhook_disabled' end as deaf
  from notifications.webhook w join identity.user u on u.id = w.user_id
  where w.user_id = any($1::bigint[]) and w.deleted_at is null
  order by w.id`)

async function listeningWebhooks(tx: Tx, users: Set<bigint>): Promise<Map<bigint, Listening[]>> {
  if (users.size === 0) return new Map()
  const webhooks = await tx.query<Listening>(selectListening, [int8Array([...users])])
  return Map.groupBy(webhooks, (webhook) => webhook.user_id)
}

interface EventRow {
  id: string
  user_id: bigint
  type: string
  at: Date
  body: string
}

interface DeliveryRow {
  event_id: string
  webhook_id: bigint
  deaf: string | null
}

const insertEvents = statement(`
  insert into notifications.webhook_event (id, user_id, type, at, body)
  select * from unnest($1::uuid[], $2::bigint[], $3::text[], $4::timestamptz[], $5::text[])`)

const insertDeliveries = statement(`
  insert into notifications.webhook_delivery (event_id, webhook_id, state, due_at, reason)
  select event_id, webhook_id, case when deaf is null then 'due' else 'failed' end, case when deaf is null then $4::timestamptz end, deaf
  from unnest($1::uuid[], $2::bigint[], $3::text[]) as new (event_id, webhook_id, deaf)`)

function insert(tx: Tx, events: readonly EventRow[], deliveries: readonly DeliveryRow[], now: Date): void {
  tx.send(insertEvents, [
    plainArray(events.map((event) => event.id)),
    int8Column(events, (event) => event.user_id),
    textArray(events.map((event) => event.type)),
    dateArray(events.map((event) => event.at)),
    textArray(events.map((event) => event.body)),
  ])
  tx.send(insertDeliveries, [
    plainArray(deliveries.map((delivery) => delivery.event_id)),
    int8Column(deliveries, (delivery) => delivery.webhook_id),
    plainArray(deliveries.map((delivery) => delivery.deaf)),
    now,
  ])
}
