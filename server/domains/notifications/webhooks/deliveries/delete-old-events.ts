import { timedUuidFloor } from '#server/kit/id.ts'
import type { App } from '#server/platform/app.ts'
import { int8Column, plainArray } from '#server/platform/db/arrays.ts'
import { statement } from '#server/platform/db/database.ts'
import { keepDays } from '../settings.ts'

const DAY_MS = 86_400_000

/** Events in one transaction: a fraction of a second. */
const EVENTS_MAX = 1_000

/** Of one run; what is left is for the next, an hour later. About an hour's work for a hundred events a second. */
const BATCHES_MAX = 500

// By id, which grows with time. What is still on its way stays, however old.
const takeOldEvents = statement(`
  select id from notifications.webhook_event e
  where id < $1 and not exists (
    select from notifications.webhook_delivery d where d.event_id = e.id and d.state in ('due', 'sending', 'waiting'))
  order by id limit $2 for update skip locked`)

const deleteAttempts = statement('delete from notifications.webhook_attempt where event_id = any($1::uuid[])')
const deleteDeliveries = statement('delete from notifications.webhook_delivery where event_id = any($1::uuid[])')
const deleteEvents = statement('delete from notifications.webhook_event where id = any($1::uuid[])')

const takeOldWebhooks = statement(`
  select id from notifications.webhook w
  where deleted_at < $1 and not exists (select from notifications.webhook_delivery d where d.webhook_id = w.id)
  limit $2 for update skip locked`)
const deleteWebhooks = statement('delete from notifications.webhook where id = any($1::bigint[])')

/** Deletes events past their time with all that was done about them, and deleted webhooks whose log is gone. Answers how many events. */
export async function deleteOldEvents(app: App): Promise<number> {
  const before = new Date(app.clock.now().getTime() - app.settings.read(keepDays) * DAY_MS)
  let deleted = 0
  for (let batch = 0; batch < BATCHES_MAX; batch++) {
    const count = await deleteBatch(app, before)
    deleted += count
    if (count < EVENTS_MAX) break
  }
  await app.db.transaction(async (tx) => {
    const webhooks = await tx.query<{ id: bigint }>(takeOldWebhooks, [before, EVENTS_MAX])
    if (webhooks.length > 0) tx.send(deleteWebhooks, [int8Column(webhooks, (webhook) => webhook.id)])
  })
  return deleted
}

function deleteBatch(app: App, before: Date): Promise<number> {
  return app.db.transaction(async (tx) => {
    const events = await tx.query<{ id: string }>(takeOldEvents, [timedUuidFloor(before), EVENTS_MAX])
    if (events.length === 0) return 0
    const ids = plainArray(events.map((event) => event.id))
    for (const sql of [deleteAttempts, deleteDeliveries, deleteEvents]) tx.send(sql, [ids])
    return events.length
  })
}
