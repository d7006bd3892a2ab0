import { SALE_ASSET } from '#server/domains/catalog/service.ts'
import { dateArray, int8Array, jsonArray, plainArray, textArray } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { emitOrders } from '../emit-orders.ts'
import { ordersPlaced } from '../events.ts'
import { shownOf } from '../order-views.ts'
import type { Placed } from './placement.ts'
import { isSole } from './sole-links.ts'

const insertSubscriptions = statement(`
  insert into orders.subscription (id, customer_id, min_quantity, max_quantity, delay_minutes, posts, old_posts, expires_on, posts_max, placed_at)
  select id, customer_id, min_quantity, max_quantity, delay_minutes, posts, old_posts, expires_on, posts_max, coalesce(placed_at, now())
  from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::smallint[], $6::smallint[], $7::smallint[], $8::date[], $9::smallint[],
    $10::timestamptz[])
    as new (id, customer_id, min_quantity, max_quantity, delay_minutes, posts, old_posts, expires_on, posts_max, placed_at)`)

const insertOrders = statement(`
  insert into orders.orders (id, customer_id, service_id, provider_id, wallet, hold, quantity, rate, charge, expected_cost, asset, cost_asset,
    type, link, params, provider_service_id, request_key, placed_at, sole_link, drip_feed_id, run, not_before, key_id, state, waiting_since)
  select id, customer_id, service_id, provider_id, wallet, hold, quantity, rate, charge, expected_cost, $16, cost_asset,
    type, link, coalesce(params, '{}'), provider_service_id, request_key, coalesce(placed_at, now()), coalesce(sole_link, false),
    drip_feed_id, run, not_before, key_id, case when not_before is null then 'queued' else 'scheduled' end,
    case when not_before is null then now() end
  from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[],
    $9::bigint[], $10::bigint[], $11::text[], $12::text[], $13::text[], $14::jsonb[], $15::text[], $17::text[], $18::timestamptz[], $19::boolean[],
    $20::bigint[], $21::smallint[], $22::timestamptz[], $23::bigint[])
    as new (id, customer_id, service_id, provider_id, wallet, hold, quantity, rate, charge, expected_cost, cost_asset,
      type, link, params, provider_service_id, request_key, placed_at, sole_link, drip_feed_id, run, not_before, key_id)`)

const insertFirstEvents = statement(`
  insert into orders.order_event (order_id, version, kind, to_state, actor)
  select id, 1, 'placed', case when not_before is null then 'queued' else 'scheduled' end, 'customer:' || customer_id
  from unnest($1::bigint[], $2::bigint[], $3::timestamptz[]) as new (id, customer_id, not_before)`)

const insertDripFeeds = statement(`
  insert into orders.drip_feed (id, customer_id, runs, interval_minutes, request_key, placed_at)
  select id, customer_id, runs, interval_minutes, request_key, coalesce(placed_at, now())
  from unnest($1::bigint[], $2::bigint[], $3::smallint[], $4::int[], $5::text[], $6::timestamptz[])
    as new (id, customer_id, runs, interval_minutes, request_key, placed_at)`)

/** Records orders whose money is held: their rows, those of the drip-feeds they are runs of, the beginning of their history, and the events. Sent, not awaited. */
export function recordPlaced(tx: Tx, placed: readonly Placed[]): void {
  const ids = int8Array(placed.map((order) => order.subject.id))
  const customers = int8Array(placed.map((order) => order.input.customer_id))
  const runs = placed.some(({ run }) => run !== undefined)
  // Plain orders, which nearly all are, send nothing for what they have not.
  const by_key = placed.some(({ input }) => input.key_id !== undefined)
  const not_before = runs ? dateArray(placed.map(({ run }) => run?.not_before)) : null
  tx.send(insertOrders, [
    ids,
    customers,
    int8Array(placed.map((order) => order.service.id)),
    int8Array(placed.map((order) => order.route.provider_id)),
    int8Array(placed.map((order) => order.wallet)),
    int8Array(placed.map((order) => order.hold)),
    int8Array(placed.map((order) => order.checked.quantity)),
    int8Array(placed.map((order) => order.service.rate)),
    int8Array(placed.map((order) => order.checked.charge)),
    int8Array(placed.map((order) => order.route.expected_cost)),
    textArray(placed.map((order) => order.route.cost_asset)),
    textArray(placed.map((order) => order.service.type)),
    textArray(placed.map((order) => order.checked.link)),
    jsonArray(placed.map((order) => (hasParams(order) ? order.checked.params : null))),
    textArray(placed.map((order) => order.route.provider_service_id)),
    SALE_ASSET,
    textArray(placed.map(keyOf)),
    dateArray(placed.map((order) => order.placed_at)),
    placed.some(isSole) ? plainArray(placed.map(isSole)) : null,
    runs ? int8Array(placed.map(({ run, number }) => (run ? number : null))) : null,
    runs ? plainArray(placed.map(({ run }) => run?.number)) : null,
    not_before,
    by_key ? int8Array(placed.map(({ input }) => input.key_id ?? null)) : null,
  ])
  if (runs) recordDripFeeds(tx, placed)
  recordSubscriptions(tx, placed)
  tx.send(insertFirstEvents, [ids, customers, not_before])
  emitOrders(
    tx,
    ordersPlaced,
    placed.map((order) => ({
      order_id: order.subject.id,
      customer_id: order.input.customer_id,
      provider_id: order.route.provider_id,
      state: stateOf(order),
      version: 1n,
      shown: shownOf({
        state: stateOf(order),
        charge: order.checked.charge,
        captured: 0n,
        released: 0n,
        refunded: 0n,
        asset: SALE_ASSET,
        start_count: null,
        remains: null,
        quantity: order.checked.quantity,
        service_id: order.service.id,
        request_key: keyOf(order) ?? null,
        drip_feed_id: order.run ? order.number : null,
        run: order.run?.number ?? null,
        subscription_id: null,
        post: null,
      }),
    })),
  )
}

function hasParams(order: Placed): boolean {
  return Object.keys(order.checked.params).length > 0
}

function stateOf({ run }: Placed): 'queued' | 'scheduled' {
  return run?.not_before ? 'scheduled' : 'queued'
}

/** The caller's key is the drip-feed's, not its runs'. */
function keyOf({ run, input }: Placed): string | undefined {
  return run ? undefined : input.request_key
}

function recordDripFeeds(tx: Tx, placed: readonly Placed[]): void {
  const feeds = placed.filter(({ run }) => run?.number === 1)
  tx.send(insertDripFeeds, [
    int8Array(feeds.map(({ number }) => number)),
    int8Array(feeds.map(({ input }) => input.customer_id)),
    plainArray(feeds.map(({ checked }) => checked.rhythm?.runs)),
    plainArray(feeds.map(({ checked }) => checked.rhythm?.interval_minutes)),
    textArray(feeds.map(({ input }) => input.request_key)),
    dateArray(feeds.map(({ placed_at }) => placed_at)),
  ])
}

/** Behind their orders, to which they belong. */
function recordSubscriptions(tx: Tx, placed: readonly Placed[]): void {
  const begun = placed.flatMap(({ subject, input, placed_at, terms }) => {
    return terms ? [{ ...terms, id: subject.id, customer_id: input.customer_id, placed_at }] : []
  })
  if (begun.length === 0) return
  tx.send(insertSubscriptions, [
    ...(['id', 'customer_id', 'min_quantity', 'max_quantity'] as const).map((name) =>
      int8Array(begun.map((each) => each[name])),
    ),
    ...(['delay_minutes', 'posts', 'old_posts'] as const).map((name) => plainArray(begun.map((each) => each[name]))),
    textArray(begun.map((each) => each.expires_on)),
    plainArray(begun.map((each) => each.posts_max)),
    dateArray(begun.map((each) => each.placed_at)),
  ])
}
