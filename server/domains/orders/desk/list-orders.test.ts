import { expect, test } from 'vitest'
import { dispatched, placed, REFUSED, TIMED_OUT } from '#test/support/order-book.ts'
import { openShop } from '#test/support/shop.ts'
import type { Order } from '../order.ts'
import { countOrders, type ListPlace, listOrders, type OrderFilter, type Sort } from './list-orders.ts'

async function setup() {
  const shop = await openShop()
  const { id: one } = await shop.customer()
  const { id: other } = await shop.customer()
  const failed = await dispatched(shop, one, REFUSED)
  const unknown = await dispatched(shop, other, TIMED_OUT)
  const open = await dispatched(shop, one)
  const [queued] = (await placed(shop, other)) as [Order]
  const found = async (filter: OrderFilter) =>
    (await listOrders(shop.app, filter, { sort: 'newest', limit: 50 })).orders.map((order) => order.id)
  return { shop, app: shop.app, one, other, failed, unknown, open, queued, found }
}

test('each filter alone and all together, newest first', async () => {
  const { shop, one, other, failed, unknown, open, queued, found } = await setup()
  expect(await found({})).toEqual([queued.id, open.id, unknown.id, failed.id])
  expect(await found({ customer_id: one })).toEqual([open.id, failed.id])
  expect(await found({ states: ['failed', 'unknown'] })).toEqual([unknown.id, failed.id])
  expect(await found({ states: [] })).toEqual([])
  expect(await found({ provider_id: shop.provider_id, customer_id: other })).toEqual([queued.id, unknown.id])
  expect(await found({ provider_id: 999n })).toEqual([])
  expect(await found({ service_id: failed.service_id })).toHaveLength(4)
  expect(await found({ provider_order_id: `p${open.id}` })).toEqual([open.id])
  expect(await found({ reason: failed.reason as string })).toEqual([failed.id])
  const all = {
    customer_id: one,
    service_id: failed.service_id,
    provider_id: shop.provider_id,
    states: ['failed'],
  } as const
  expect(await found(all)).toEqual([failed.id])
})

test('a span of time is exact to its ends, and pages follow one another without gap or repeat', async () => {
  const { app, failed, unknown, open, queued, found } = await setup()
  // Hours apart, as a day's orders are.
  for (const [i, { id }] of [failed, unknown, open, queued].entries()) {
    await app.db.query(
      `update orders.orders set placed_at = '2026-01-01T00:00:00Z'::timestamptz + make_interval(hours => $2) where id = $1`,
      [id, i],
    )
  }
  const at = (hour: number) => new Date(Date.UTC(2026, 0, 1, hour))
  expect(await found({ from: at(1), to: at(3) })).toEqual([open.id, unknown.id])
  expect(await found({ from: at(3) })).toEqual([queued.id])
  expect(await found({ to: at(1) })).toEqual([failed.id])
  expect(await found({ from: at(9) })).toEqual([])
  // An order that was taken over is older than its number says.
  await app.db.query(`update orders.orders set placed_at = '2025-01-01' where id = $1`, [queued.id])
  expect(await found({ from: at(1) })).toEqual([open.id, unknown.id])
  expect(await found({ to: at(1) })).toEqual([failed.id, queued.id])
})

test('each sort tells all of them, and pages follow one another without gap or repeat', async () => {
  const { app, failed, unknown, open, queued } = await setup()
  // Some at the same moment.
  await app.db.query(
    `update orders.orders set placed_at = '2026-01-01', waiting_since = case when waiting_since is not null then
    '2026-01-01'::timestamptz end where id = any($1::bigint[])`,
    [[failed.id, unknown.id, open.id]],
  )
  const span = { from: new Date('2025-12-31'), to: new Date(Date.now() + 60_000) }
  const newest = [queued.id, open.id, unknown.id, failed.id]
  const waiting = [failed.id, unknown.id, queued.id]
  const lists: [OrderFilter, Sort, bigint[]][] = [
    [{}, 'newest', newest],
    [{}, 'oldest', newest.toReversed()],
    [span, 'newest', newest],
    [span, 'oldest', newest.toReversed()],
    [{}, 'waiting', waiting],
    [span, 'waiting', waiting],
  ]
  for (const [filter, sort, expected] of lists) {
    for (const limit of [1, 2, 3, 4]) {
      const seen: bigint[] = []
      let behind: ListPlace | undefined
      for (let more = true; more; ) {
        const { orders, has_more } = await listOrders(app, filter, { sort, behind, limit })
        seen.push(...orders.map(({ id }) => id))
        behind = orders.at(-1)
        more = has_more
      }
      expect({ sort, limit, seen }).toEqual({ sort, limit, seen: expected })
    }
  }
})

test('orders are counted by state, within the filter', async () => {
  const { app, one } = await setup()
  expect(await countOrders(app, {})).toEqual({
    counts: [
      { state: 'failed', orders: 1 },
      { state: 'pending', orders: 1 },
      { state: 'queued', orders: 1 },
      { state: 'unknown', orders: 1 },
    ],
    complete: true,
  })
  expect((await countOrders(app, { customer_id: one })).counts.map(({ state }) => state)).toEqual(['failed', 'pending'])
})
