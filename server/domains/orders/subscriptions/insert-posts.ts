import { dateArray, int8Array, jsonArray, plainArray, textArray } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { emitOrders } from '../emit-orders.ts'
import { ordersPlaced } from '../events.ts'
import { nextCheckOf } from '../following/decide-status.ts'
import { shownOf } from '../order-views.ts'
import type { NewPost } from './post-money.ts'

/** A post whose money is held: it becomes an order that its provider has. */
export interface PaidPost extends NewPost {
  hold: bigint
  /** Which of its subscription's. */
  number: number
  /** When, where a day's limit depends on it; otherwise the transaction's own time. */
  placed_at: Date | undefined
}

const insertOrders = statement(`
  insert into orders.orders (id, customer_id, service_id, provider_id, wallet, hold, quantity, rate, charge, expected_cost, booked_cost, asset,
    cost_asset, type, link, params, provider_service_id, provider_order_id, subscription_id, post, state, waiting_since, placed_at, accepted_at,
    next_check_at)
  select new.id, p.customer_id, p.service_id, p.provider_id, p.wallet, new.hold, new.quantity, p.rate, new.charge, new.cost, new.cost, p.asset,
    p.cost_asset, p.type, p.link, p.params, p.provider_service_id, new.provider_order_id, p.id, new.post, 'pending', null,
    coalesce(new.placed_at, now()), $9, $10
  from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[], $8::smallint[], $11::timestamptz[])
    as new (id, subscription_id, hold, quantity, charge, cost, provider_order_id, post, placed_at)
  join orders.orders p on p.id = new.subscription_id`)

const insertSteps = statement(`
  insert into orders.order_event (order_id, version, kind, to_state, actor, data)
  select id, 1, 'placed', 'pending', 'system', data from unnest($1::bigint[], $2::jsonb[]) as new (id, data)`)

/** Records posts as orders that are at their provider already, with the beginning of their history and the event. Sent, not awaited. */
export function insertPosts(tx: Tx, posts: readonly PaidPost[], now: Date): void {
  if (posts.length === 0) return
  const ids = int8Array(posts.map(({ id }) => id))
  tx.send(insertOrders, [
    ids,
    int8Array(posts.map(({ parent }) => parent.id)),
    ...(['hold', 'quantity', 'charge', 'cost'] as const).map((name) => int8Array(posts.map((post) => post[name]))),
    textArray(posts.map(({ provider_order_id }) => provider_order_id)),
    plainArray(posts.map(({ number }) => number)),
    now,
    nextCheckOf({ accepted_at: now, placed_at: now }, now, 0),
    dateArray(posts.map(({ placed_at }) => placed_at)),
  ])
  const data = posts.map(({ parent, number, provider_order_id }) => ({
    subscription_id: String(parent.id),
    post: number,
    provider_order_id,
  }))
  tx.send(insertSteps, [ids, jsonArray(data)])
  emitOrders(
    tx,
    ordersPlaced,
    posts.map(({ parent, id, charge, quantity, number }) => ({
      order_id: id,
      customer_id: parent.customer_id,
      provider_id: parent.provider_id,
      state: 'pending',
      version: 1n,
      shown: shownOf({
        ...{ state: 'pending', charge, captured: 0n, released: 0n, refunded: 0n, quantity },
        ...{ asset: parent.asset, start_count: null, remains: null, service_id: parent.service_id, request_key: null },
        ...{ drip_feed_id: null, run: null, subscription_id: parent.id, post: number },
      }),
    })),
  )
}
