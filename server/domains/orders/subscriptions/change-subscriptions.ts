import { dateArray, int8Array, plainArray, textArray } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { emit } from '#server/platform/outbox/emit.ts'
import { REQUESTS_MAX } from '../cancelling/cancel-orders.ts'
import { subscriptionsStopped } from '../events.ts'
import { OPEN_STATES, type OrderState } from '../order.ts'
import type { Subscription } from './subscription.ts'

/** A subscription whose order the caller's transaction has locked, and what of it is to be otherwise. */
export interface SubscriptionChange {
  before: Subscription
  after: Partial<Subscription>
  /** Its order's, with the change. */
  state: OrderState
  /** Whether its provider is to be asked to stop. */
  ask: boolean
}

const update = statement(`
  update orders.subscription s set posts_billed = new.posts_billed, last_post_at = new.last_post_at, standing = new.standing,
    stop_reason = new.stop_reason, stopped_at = new.stopped_at
  from unnest($1::bigint[], $2::smallint[], $3::timestamptz[], $4::text[], $5::text[], $6::timestamptz[])
    as new (id, posts_billed, last_post_at, standing, stop_reason, stopped_at)
  where s.id = new.id`)

// Nobody adds one meanwhile: the order is locked. A provider that goes on after it took the wish is asked again, as often as anyone may.
const askToStop = statement(`
  insert into orders.cancel_request (order_id, asked_by, asked_at, state, next_try_at)
  select stopped.id, 'system', $2::timestamptz, 'asked', $2::timestamptz from unnest($1::bigint[]) as stopped (id)
  where not exists (select from orders.cancel_request r where r.order_id = stopped.id and r.state in ('asked', 'sent'))
    and (select count(*) from orders.cancel_request r where r.order_id = stopped.id) < ${REQUESTS_MAX}
  on conflict do nothing`)

/** Writes changed subscriptions, wishes that their providers should stop, and the event of those that stop now. Sent, not awaited. */
export function changeSubscriptions(tx: Tx, changes: readonly SubscriptionChange[], now: Date): void {
  if (changes.length === 0) return
  const rows = changes.map(({ before, after }) => ({ ...before, ...after }))
  tx.send(update, [
    int8Array(rows.map(({ id }) => id)),
    plainArray(rows.map((row) => row.posts_billed)),
    dateArray(rows.map((row) => row.last_post_at)),
    textArray(rows.map((row) => row.standing)),
    textArray(rows.map((row) => row.stop_reason)),
    dateArray(rows.map((row) => row.stopped_at)),
  ])
  const asked = changes.filter(({ ask, state }) => ask && OPEN_STATES.includes(state))
  if (asked.length > 0) tx.send(askToStop, [int8Array(asked.map(({ before }) => before.id)), now])
  const stopped = changes.flatMap(({ before, after }) => {
    const why = before.stop_reason === null ? (after.stop_reason ?? null) : null
    if (why === null) return []
    const posts = after.posts_billed ?? before.posts_billed
    return [{ order_id: before.id, customer_id: before.customer_id, why, posts }]
  })
  if (stopped.length > 0) emit(tx, subscriptionsStopped, [{ subscriptions: stopped }])
}
