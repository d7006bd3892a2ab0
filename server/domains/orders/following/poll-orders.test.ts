import { describe, expect, test } from 'vitest'
import { InvariantError } from '#server/kit/invariant.ts'
import { acceptedAs, claim, ended, expectSound, orderNow, placed } from '#test/support/order-book.ts'
import { openShop, type Shop, type ShopOptions } from '#test/support/shop.ts'
import { recordPlacements } from '../dispatching/record-placements.ts'
import type { Order } from '../order.ts'
import { POLL_ORDERS_MAX, pollOrders } from './poll-orders.ts'

const SLOW = { complete_ms_min: 3_600_000, complete_ms_max: 3_600_000 }
const AT_ONCE = { complete_ms_min: 0, complete_ms_max: 0 }

/** A shop and `n` orders that its provider really has; none ends by itself. */
async function setup(n: number, options: ShopOptions = {}) {
  const shop = await openShop({ ...options, panel: { pace: SLOW, ...options.panel } })
  const { id: customer } = await shop.customer('5000')
  await placed(shop, customer, n)
  const { claimed } = await claim(shop)
  const { ids } = await shop.control.enterOrders(
    claimed.map((order) => ({
      service: order.provider_service_id,
      link: order.link,
      quantity: String(order.quantity),
    })),
  )
  await recordPlacements(
    shop.app,
    claimed.map((order, i) => ended(order, acceptedAs(ids[i] as string))),
  )
  const orders = await Promise.all(claimed.map(({ id }) => orderNow(shop, id)))
  return { shop, app: shop.app, customer, orders, poll: () => pollOrders(shop.app, shop.providers, shop.provider_id) }
}

/** The checks of these orders are due, the first of them longest. */
async function makeDue(shop: Shop, orders: readonly Order[]): Promise<void> {
  for (const [i, order] of orders.entries()) {
    await shop.app.db.query(
      `update orders.orders set next_check_at = now() - make_interval(mins => $2::int) where id = $1`,
      [order.id, 1_000 - i],
    )
  }
}

const polls = async (shop: Shop) => new Map((await shop.control.allOrders()).map((order) => [order.id, order.polls]))

test('only what is due is asked about, and takes over what the provider says', async () => {
  const { shop, app, orders, poll } = await setup(3)
  const [first, second, third] = orders as [Order, Order, Order]
  await makeDue(shop, [first, second])
  await shop.control.finish(first.provider_order_id as string, { status: 'Completed' })
  expect(await poll()).toEqual({ asked: 2, settled: 1, more: false })
  expect((await orderNow(shop, first.id)).state).toBe('completed')
  expect((await orderNow(shop, second.id)).state).toBe('pending')
  expect((await polls(shop)).get(third.provider_order_id as string)).toBe(0)
  expect(await poll()).toMatchObject({ asked: 0 })
  await expectSound(app)
})

test('the longest due are asked about first, as many as the provider takes in its calls', async () => {
  const { shop, orders, poll } = await setup(5, { provider: { statuses_max: 2, concurrency: 1 } })
  await makeDue(shop, orders)
  expect(await poll()).toEqual({ asked: 2, settled: 0, more: true })
  const asked = await polls(shop)
  expect(orders.map((order) => asked.get(order.provider_order_id as string))).toEqual([1, 1, 0, 0, 0])
  expect(await poll()).toMatchObject({ asked: 2 })
  expect(await poll()).toMatchObject({ asked: 1, more: false })
})

test('orders by name are asked about whether due or not, and only those that are followed', async () => {
  const { shop, app, customer, orders } = await setup(2)
  const [queued] = (await placed(shop, customer)) as [Order]
  const [first, second] = orders as [Order, Order]
  await shop.control.finish(first.provider_order_id as string, { status: 'Canceled' })
  const named = (ids: bigint[]) => pollOrders(app, shop.providers, shop.provider_id, ids)
  expect(await named([first.id, queued.id, 999_999n])).toMatchObject({ asked: 1, settled: 1 })
  expect((await orderNow(shop, first.id)).state).toBe('cancelled')
  expect((await polls(shop)).get(second.provider_order_id as string)).toBe(0)
  expect(await named([first.id])).toMatchObject({ asked: 0 })
  expect(await named([])).toMatchObject({ asked: 0 })
  const many = Array.from({ length: POLL_ORDERS_MAX + 1 }, () => 1n)
  await expect(named(many)).rejects.toThrow(InvariantError)
})

describe('bad rows', () => {
  test.each(['row_missing', 'row_error', 'row_bare_string', 'row_garbage'] as const)(
    '%s: its neighbours are settled',
    async (fault) => {
      const { shop, app, orders, poll } = await setup(5)
      await makeDue(shop, orders)
      await shop.control.pace(AT_ONCE)
      await shop.control.setFaults({ [fault]: 1 })
      expect(await poll()).toMatchObject({ asked: 5, settled: 4 })
      const states = await Promise.all(orders.map(async ({ id }) => await orderNow(shop, id)))
      const odd = states.filter(({ state }) => state === 'pending')
      expect(odd).toMatchObject([{ failed_checks: 1, captured: 0n }])
      await shop.control.setFaults({})
      await makeDue(shop, odd)
      expect(await poll()).toMatchObject({ settled: 1 })
      await expectSound(app)
    },
  )

  test('a row that cannot be written down does not hold up the others', async () => {
    const { shop, app, orders, poll } = await setup(6)
    await makeDue(shop, orders)
    await shop.control.pace(AT_ONCE)
    const poisoned = orders[2] as Order
    await app.db.query(
      `alter table orders.orders add constraint poison check (id <> ${poisoned.id} or state <> 'completed')`,
    )
    expect(await poll()).toMatchObject({ asked: 6, settled: 5 })
    expect((await orderNow(shop, poisoned.id)).state).toBe('pending')
    await app.db.query('alter table orders.orders drop constraint poison')
    await expectSound(app)
  })
})

describe('a batch that cannot be read', () => {
  test.each(['html', 'cut_before', 'bad_json', 'rate_limit'] as const)(
    '%s: nothing is held against its orders, and they are due again soon',
    async (fault) => {
      // With fewer it could be each order's own fault.
      const { shop, orders, poll } = await setup(20)
      await makeDue(shop, orders)
      await shop.control.setFaults({ [fault]: 1 })
      expect(await poll()).toMatchObject({ asked: 20, settled: 0 })
      const now = await Promise.all(orders.map(({ id }) => orderNow(shop, id)))
      expect(now.map(({ failed_checks, version }) => [failed_checks, version])).toEqual(
        orders.map(({ version }) => [0, version]),
      )
      const waits_ms = now.map(({ next_check_at }) => (next_check_at?.getTime() ?? 0) - Date.now())
      expect(waits_ms.every((wait_ms) => wait_ms > 1_000 && wait_ms <= 5_000)).toBe(true)
    },
  )

  test('does not hold up the batches beside it', async () => {
    const { shop, orders, poll } = await setup(6, { provider: { statuses_max: 2 } })
    await makeDue(shop, orders)
    await shop.control.pace(AT_ONCE)
    await shop.control.setFaults({ rate_limit: { probability: 1, limit: 1 } })
    expect(await poll()).toMatchObject({ asked: 6, settled: 4 })
  })
})

test('what one worker asks about another leaves alone, until the lease is over', async () => {
  const { shop, orders, poll } = await setup(4)
  await makeDue(shop, orders)
  await shop.control.setFaults({ delay: { probability: 1, ms: 300 } })
  const reports = await Promise.all([poll(), poll(), poll()])
  expect(reports.reduce((sum, { asked }) => sum + asked, 0)).toBe(4)
  expect([...(await polls(shop)).values()]).toEqual([1, 1, 1, 1])
})

test('a worker that dies while asking leaves the orders due again when its lease is over', async () => {
  const { shop, app, orders, poll } = await setup(2, { provider: { timeout_ms: 500 } })
  await makeDue(shop, orders)
  await shop.control.setFaults({ hang: 1 })
  const dying = poll()
  await expect.poll(async () => (await shop.control.summary()).requests.status ?? 0).toBeGreaterThan(0)
  const [row] = await app.db.query<{ lease_ms: number }>(
    'select extract(epoch from next_check_at - now())::float8 * 1000 as lease_ms from orders.orders limit 1',
  )
  expect(row?.lease_ms).toBeGreaterThan(25_000)
  expect(row?.lease_ms).toBeLessThan(31_500)
  await dying
})
