import { describe, expect, test } from 'vitest'
import type { StatusRow } from '#server/domains/providers/provider.ts'
import { atBarrier } from '#test/support/barrier.ts'
import { countingStatements } from '#test/support/counting.ts'
import { acceptedAs, claim, dispatched, ended, expectSound, orderNow, placed, told } from '#test/support/order-book.ts'
import { openShop, type Shop } from '#test/support/shop.ts'
import { accountIds, revenueIn } from '../accounts.ts'
import { recordPlacements } from '../dispatching/record-placements.ts'
import type { Order } from '../order.ts'
import { historyOf } from '../queries.ts'
import { recordStatuses } from './record-statuses.ts'

async function setup() {
  const shop = await openShop()
  const { id } = await shop.customer()
  const opening = await shop.prepaid()
  const order = await dispatched(shop, id)
  const tell = (...rows: StatusRow[]) =>
    recordStatuses(
      shop.app,
      rows.map((row) => ({ order_id: order.id, row })),
    )
  return { shop, app: shop.app, customer: id, order, opening, tell }
}

async function revenue(shop: Shop): Promise<bigint> {
  const [id] = await accountIds(shop.app.db, [revenueIn('USD')])
  const rows = await shop.app.db.query<{ posted: bigint }>('select posted from ledger.account where id = $1', [id])
  return rows[0]?.posted ?? 0n
}

test('completed: the charge is revenue, the wallet is debited, nothing is held any more', async () => {
  const { shop, customer, order, opening, tell } = await setup()
  expect(await tell(told('completed', { charge: 400n, remains: 0n, start_count: 5n }))).toEqual({ settled: 1 })
  expect(await orderNow(shop, order.id)).toMatchObject({
    state: 'completed',
    captured: order.charge,
    released: 0n,
    booked_cost: 400n,
    start_count: 5n,
    next_check_at: null,
  })
  expect((await orderNow(shop, order.id)).finished_at).not.toBeNull()
  expect(await shop.wallet(customer)).toEqual({ posted: 100_000_000n - order.charge, held: 0n })
  expect(await revenue(shop)).toBe(order.charge)
  expect(await shop.prepaid()).toBe(opening - 400n)
  await expectSound(shop.app)
})

test('partial: the delivered part is captured, the rest is back, and the cost shrinks with it', async () => {
  const { shop, customer, order, opening, tell } = await setup()
  await tell(told('partial', { charge: 100n, remains: order.quantity - 1n }))
  const now = await orderNow(shop, order.id)
  expect(now).toMatchObject({ state: 'partial', captured: (order.charge + order.quantity - 1n) / order.quantity })
  expect(now.captured + now.released).toBe(order.charge)
  expect(await shop.wallet(customer)).toEqual({ posted: 100_000_000n - now.captured, held: 0n })
  expect(await shop.prepaid()).toBe(opening - 100n)
  await expectSound(shop.app)
})

test('cancelled: all is back, with the customer and with us', async () => {
  const { shop, customer, order, opening, tell } = await setup()
  await tell(told('cancelled', { charge: 0n, remains: 0n }))
  expect(await orderNow(shop, order.id)).toMatchObject({ state: 'cancelled', captured: 0n, released: order.charge })
  expect(await shop.wallet(customer)).toEqual({ posted: 100_000_000n, held: 0n })
  expect(await shop.prepaid()).toBe(opening)
  await expectSound(shop.app)
})

test('partial whose remains are not known moves nothing until they are', async () => {
  const { shop, customer, order, tell } = await setup()
  await tell(told('partial'))
  expect(await shop.wallet(customer)).toEqual({ posted: 100_000_000n, held: order.charge })
  expect(await orderNow(shop, order.id)).toMatchObject({ state: 'pending', reason: 'remains_unknown' })
  await tell(told('partial', { remains: 0n, charge: 1n }))
  expect(await orderNow(shop, order.id)).toMatchObject({ state: 'partial', captured: order.charge, reason: null })
  await expectSound(shop.app)
})

test('what ended is not settled again: by partial once more, by cancelled, by completed', async () => {
  const { shop, customer, order, tell } = await setup()
  await tell(told('partial', { remains: 40n, charge: 1n }))
  const before = [await orderNow(shop, order.id), await shop.wallet(customer)]
  for (const row of [told('partial', { remains: 90n }), told('cancelled'), told('completed'), told('failed')]) {
    expect(await tell(row)).toEqual({ settled: 0 })
  }
  expect([await orderNow(shop, order.id), await shop.wallet(customer)]).toEqual(before)
  await expectSound(shop.app)
})

test('a cost that was not told with the end is booked when it is told later', async () => {
  const { shop, order, opening, tell } = await setup()
  await tell(told('completed'))
  expect((await orderNow(shop, order.id)).next_check_at).not.toBeNull()
  await tell(told('completed', { charge: order.expected_cost + 9n }))
  expect(await orderNow(shop, order.id)).toMatchObject({ booked_cost: order.expected_cost + 9n, next_check_at: null })
  expect(await shop.prepaid()).toBe(opening - order.expected_cost - 9n)
  await expectSound(shop.app)
})

test('the history tells every step, each under a version of its own, and the versions only grow', async () => {
  const { shop, order, tell } = await setup()
  const versions = [order.version]
  const rows = [
    told('processing'),
    told('processing', { remains: 50n }),
    told('processing', { remains: 50n, charge: 3n }),
    told('in_progress', { charge: 3n }),
    { ok: false, reason: 'missing', message: 'x' } as const,
    told('partial', { charge: 3n }),
    told('completed', { charge: 2n }),
  ]
  for (const row of rows) {
    await tell(row)
    versions.push((await orderNow(shop, order.id)).version)
  }
  expect(versions).toEqual(versions.toSorted((a, b) => (a < b ? -1 : 1)))
  const history = await historyOf(shop.app.db, order.id)
  expect(history.map(({ kind, from_state, to_state }) => [kind, from_state, to_state])).toEqual([
    ['placed', null, 'queued'],
    ['sent', 'queued', 'dispatching'],
    ['accepted', 'dispatching', 'pending'],
    ['progressed', 'pending', 'processing'],
    ['cost_corrected', 'processing', 'processing'],
    ['progressed', 'processing', 'in_progress'],
    ['flagged', 'in_progress', 'in_progress'],
    ['settled', 'in_progress', 'completed'],
  ])
  expect(history.at(-1)?.data).toMatchObject({
    captured: String(order.charge),
    released: '0',
    cost_from: '3',
    cost_to: '2',
  })
  await expectSound(shop.app)
})

describe('batches', () => {
  test('an empty one does nothing; a long one takes as many statements as one order', async () => {
    const { shop, app } = await setup()
    expect(await recordStatuses(app, [])).toEqual({ settled: 0 })
    const { id } = await shop.customer('5000')
    await placed(shop, id, 302)
    const { claimed: orders } = await claim(shop)
    await recordPlacements(
      app,
      orders.map((order) => ended(order, acceptedAs(`p${order.id}`))),
    )
    const statuses = orders.map(({ id: order_id }) => ({
      order_id,
      row: told('partial', { remains: 10n, charge: 1n }),
    }))
    const counting = countingStatements(app)
    await recordStatuses(counting.app, statuses.slice(0, 1))
    const begin = counting.count()
    await recordStatuses(counting.app, statuses.slice(1, 2))
    const one = counting.count() - begin
    expect(await recordStatuses(counting.app, statuses.slice(2))).toEqual({ settled: 300 })
    expect(counting.count() - begin - one).toBe(one)
    await expectSound(app)
  })

  test('of two rows of one order the first counts, and an order that nobody knows is passed over', async () => {
    const { shop, app, order, tell } = await setup()
    expect(await recordStatuses(app, [{ order_id: 999_999n, row: told('completed') }])).toEqual({ settled: 0 })
    expect(await tell(told('cancelled', { charge: 0n }), told('completed'))).toEqual({ settled: 1 })
    expect(await orderNow(shop, order.id)).toMatchObject({ state: 'cancelled', captured: 0n })
    await expectSound(app)
  })

  test('orders that are not followed are left as they are', async () => {
    const { shop, app, customer } = await setup()
    await placed(shop, customer, 1)
    const [waiting] = (await claim(shop)).claimed as [Order]
    const before = await orderNow(shop, waiting.id)
    await recordStatuses(app, [{ order_id: waiting.id, row: told('completed') }])
    expect(await orderNow(shop, waiting.id)).toEqual(before)
  })
})

describe('races', () => {
  const lock = (id: bigint) => (tx: { query: Shop['app']['db']['query'] }) =>
    tx.query('select from orders.orders where id = $1 for update', [id])

  test('six pollers who saw the same end settle it once', async () => {
    const { shop, app, customer, order, tell } = await setup()
    const reports = await atBarrier(
      app.db,
      lock(order.id),
      Array.from({ length: 6 }, () => () => tell(told('completed', { charge: 7n }))),
    )
    expect(reports.reduce((sum, { settled }) => sum + settled, 0)).toBe(1)
    expect(await shop.wallet(customer)).toEqual({ posted: 100_000_000n - order.charge, held: 0n })
    expect(await revenue(shop)).toBe(order.charge)
    await expectSound(app)
  })

  test('pollers who saw different ends: the first one stands, and no unit goes twice', async () => {
    const { shop, app, customer, order, tell } = await setup()
    await atBarrier(app.db, lock(order.id), [
      () => tell(told('completed', { charge: 7n })),
      () => tell(told('cancelled', { charge: 0n })),
      () => tell(told('partial', { remains: 30n, charge: 5n })),
      () => tell(told('failed', { charge: 0n })),
    ])
    const now = await orderNow(shop, order.id)
    expect(await shop.wallet(customer)).toEqual({
      posted: 100_000_000n - now.captured,
      held: now.state === 'failed' ? order.charge : 0n,
    })
    await expectSound(app)
  })

  test('two batches over the same orders in opposite order both end', async () => {
    const { shop, app, customer } = await setup()
    await placed(shop, customer, 20)
    const { claimed: orders } = await claim(shop)
    await recordPlacements(
      app,
      orders.map((order) => ended(order, acceptedAs(`p${order.id}`))),
    )
    const statuses = orders.map(({ id: order_id }) => ({ order_id, row: told('completed', { charge: 5n }) }))
    const reports = await atBarrier(app.db, lock((orders[0] as Order).id), [
      () => recordStatuses(app, statuses),
      () => recordStatuses(app, statuses.toReversed()),
    ])
    expect(reports.map(({ settled }) => settled).sort()).toEqual([0, 20])
    await expectSound(app)
  })
})
