import type { App } from '#server/platform/app.ts'
import { int8Column, plainArray } from '#server/platform/db/arrays.ts'
import { statement } from '#server/platform/db/database.ts'

/** Of one pass; the next follows at once. */
const DELIVERIES_MAX = 1_000

const requeueWaiting = statement(`
  with over as (
    select event_id, webhook_id from notifications.webhook_delivery where state = 'waiting' and due_at <= $1
    order by due_at limit $2 for no key update skip locked
  )
  update notifications.webhook_delivery d set state = 'due'
  from over where d.event_id = over.event_id and d.webhook_id = over.webhook_id
  returning d.webhook_id`)

/** Makes the deliveries due whose wait is over. Answers how many, and whether there may be more. */
export async function requeueWaitingDeliveries(app: App): Promise<{ requeued: number; more: boolean }> {
  const { length: requeued } = await app.db.query(requeueWaiting, [app.clock.now(), DELIVERIES_MAX])
  return { requeued, more: requeued === DELIVERIES_MAX }
}

// In the order in which all of this domain lock.
const takeLost = statement(`
  select d.event_id, d.webhook_id, d.attempts, d.manual, w.url from notifications.webhook_delivery d
  join notifications.webhook w on w.id = d.webhook_id
  where d.state = 'sending' and d.claimed_until < $1
  order by d.event_id, d.webhook_id limit $2 for no key update of d skip locked`)

const insertInterrupted = statement(`
  insert into notifications.webhook_attempt (event_id, webhook_id, number, at, manual, url, request_headers, duration_ms, failure)
  select event_id, webhook_id, number, $6, manual, url, '{}', 0, 'interrupted'
  from unnest($1::uuid[], $2::bigint[], $3::int[], $4::boolean[], $5::text[]) as new (event_id, webhook_id, number, manual, url)`)

const requeueLost = statement(`
  update notifications.webhook_delivery d
  set state = 'due', due_at = $3, claimed_until = null, attempts = d.attempts + 1
  from unnest($1::uuid[], $2::bigint[]) as lost (event_id, webhook_id)
  where d.event_id = lost.event_id and d.webhook_id = lost.webhook_id`)

interface Lost {
  event_id: string
  webhook_id: bigint
  attempts: number
  manual: boolean
  url: string
}

/**
 * Makes deliveries due again whose worker was lost with them in its hands. The event may have arrived; it is sent again, under the same id. That attempt is logged and
 * does not count against the schedule, for the receiver did nothing wrong.
 */
export async function requeueLostDeliveries(app: App): Promise<{ requeued: number; more: boolean }> {
  const now = app.clock.now()
  return app.db.transaction(async (tx) => {
    const lost = await tx.query<Lost>(takeLost, [now, DELIVERIES_MAX])
    if (lost.length === 0) return { requeued: 0, more: false }
    const events = plainArray(lost.map((each) => each.event_id))
    const webhooks = int8Column(lost, (each) => each.webhook_id)
    tx.send(insertInterrupted, [
      events,
      webhooks,
      plainArray(lost.map((each) => each.attempts + 1)),
      plainArray(lost.map((each) => each.manual)),
      lost.map((each) => each.url),
      now,
    ])
    tx.send(requeueLost, [events, webhooks, now])
    tx.onCommit(() => app.log.warn({ deliveries: lost.length }, 'deliveries of a lost worker are sent again'))
    return { requeued: lost.length, more: lost.length === DELIVERIES_MAX }
  })
}
