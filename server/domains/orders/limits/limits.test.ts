import { expect, test } from 'vitest'
import { SYSTEM } from '#server/domains/audit/act.ts'
import { atBarrier } from '#test/support/barrier.ts'
import {
  anOrder,
  claim,
  dispatched,
  ended,
  expectSound,
  NOT_SENT,
  orderNow,
  placed,
  REFUSED,
  told,
} from '#test/support/order-book.ts'
import { putSetting } from '#test/support/settings.ts'
import { openShop, type Shop } from '#test/support/shop.ts'
import { resolveOrder } from '../desk/resolve-order.ts'
import { recordPlacements } from '../dispatching/record-placements.ts'
import { recordStatuses } from '../following/record-statuses.ts'
import { type PlaceOutcome, placeOrders } from '../placing/place-orders.ts'
import { dailySpendMax, inFlightMax } from './customer-limit.ts'
import { readLimits } from './read-limits.ts'
import { type SetLimits, setLimits } from './set-limits.ts'

async function setup() {
  const shop = await openShop()
  const { id } = await shop.customer('100')
  const limit = (limits: Pick<SetLimits, 'daily_spend_max' | 'in_flight_max'>) =>
    setLimits(shop.app, { customer_id: id, by: SYSTEM, reason: 'test', ...limits })
  const place = (n = 1, changes = {}) =>
    placeOrders(
      shop.app,
      Array.from({ length: n }, () => anOrder(shop, id, changes)),
    )
  const [first] = await placed(shop, id)
  const charge = first?.charge ?? 0n
  await giveUp(shop, first?.id ?? 0n)
  return { shop, id, limit, place, charge }
}

/** Its provider refuses an order that is queued, and staff give it up: all is given back. */
async function giveUp(shop: Shop, order_id: bigint): Promise<void> {
  const { claimed } = await claim(shop)
  await recordPlacements(
    shop.app,
    claimed.map((order) => ended(order, order.id === order_id ? REFUSED : NOT_SENT)),
  )
  expect(await resolveOrder(shop.app, order_id, { kind: 'refund' }, SYSTEM)).toMatchObject({ ok: true })
}

const codes = (outcomes: PlaceOutcome[]) => outcomes.map((each) => (each.ok ? 'placed' : each.refusal.code))

/** A day goes by for all that is stored. */
async function aDayLater({ app }: Shop): Promise<void> {
  await app.db.query(
    `update orders.customer_limit set day_began = day_began - interval '1 day', day_ends = day_ends - interval '1 day'`,
  )
  await app.db.query(`update orders.orders set placed_at = placed_at - interval '1 day'`)
}

test('no more orders are under way than the limit, one by one and in a batch, and one that ends makes room', async () => {
  const { shop, id, limit, place } = await setup()
  await limit({ in_flight_max: 2 })
  const outcomes = await place(3)
  expect(codes(outcomes)).toEqual(['placed', 'placed', 'too_many_orders_in_flight'])
  expect(outcomes[2]).toMatchObject({ refusal: { allowance: { limit: '2', left: '0' } } })
  expect(codes(await place())).toEqual(['too_many_orders_in_flight'])
  const [one] = outcomes
  await giveUp(shop, one?.ok ? one.order_id : 0n)
  expect(codes(await place(2))).toEqual(['placed', 'too_many_orders_in_flight'])
  expect((await readLimits(shop.app, id)).in_flight).toEqual({ max: 2, own: true, orders: 2 })
  await expectSound(shop.app)
})

test('no more is spent in a day than the limit, and the next day begins anew', async () => {
  const { shop, id, limit, place, charge } = await setup()
  await limit({ daily_spend_max: 2n * charge + charge / 2n })
  const outcomes = await place(3)
  expect(codes(outcomes)).toEqual(['placed', 'placed', 'daily_spend_limit_reached'])
  expect((await readLimits(shop.app, id)).daily_spend).toMatchObject({ spent: 2n * charge, own: true })
  await aDayLater(shop)
  expect((await readLimits(shop.app, id)).daily_spend).toMatchObject({ spent: 0n })
  expect(codes(await place(3))).toEqual(['placed', 'placed', 'daily_spend_limit_reached'])
})

test('what is given back on the day of the order may be spent again, what is given back later may not', async () => {
  const { shop, limit, place, charge } = await setup()
  await limit({ daily_spend_max: charge })
  const [one] = await place()
  expect(codes(await place())).toEqual(['daily_spend_limit_reached'])
  await giveUp(shop, one?.ok ? one.order_id : 0n)
  const [two] = await place()
  expect(two).toMatchObject({ ok: true })
  await aDayLater(shop)
  expect(codes(await place(2))).toEqual(['placed', 'daily_spend_limit_reached'])
  await giveUp(shop, two?.ok ? two.order_id : 0n)
  expect(codes(await place())).toEqual(['daily_spend_limit_reached'])
})

test('an order that a provider ends gives back its place, and of its charge what was not delivered', async () => {
  const { shop, id, limit } = await setup()
  await limit({ daily_spend_max: 10n ** 9n, in_flight_max: 5 })
  const order = await dispatched(shop, id)
  expect((await readLimits(shop.app, id)).in_flight.orders).toBe(1)
  await recordStatuses(shop.app, [{ order_id: order.id, row: told('partial', { remains: order.quantity / 2n }) }])
  const { captured, state } = await orderNow(shop, order.id)
  expect(state).toBe('partial')
  const read = await readLimits(shop.app, id)
  expect([read.in_flight.orders, read.daily_spend.spent]).toEqual([0, captured])
})

test('a limit that is set counts what is under way and was spent today already', async () => {
  const { shop, id, limit, place, charge } = await setup()
  await place(3)
  await limit({ in_flight_max: 3, daily_spend_max: 100n * charge })
  const read = await readLimits(shop.app, id)
  expect([read.in_flight.orders, read.daily_spend.spent]).toEqual([3, 3n * charge])
  expect(codes(await place())).toEqual(['too_many_orders_in_flight'])
  await limit({ in_flight_max: null, daily_spend_max: null })
  expect(codes(await place())).toEqual(['placed'])
})

test('batches at once do not take more than the limit together', async () => {
  const { shop, id, limit, place, charge } = await setup()
  await limit({ in_flight_max: 5, daily_spend_max: 7n * charge })
  const all = await atBarrier(
    shop.app.db,
    (tx) => tx.query('select from ledger.balance for update'),
    Array.from({ length: 4 }, () => () => place(3)),
  )
  expect(codes(all.flat()).filter((code) => code === 'placed')).toHaveLength(5)
  await limit({ in_flight_max: 100 })
  const more = await atBarrier(
    shop.app.db,
    (tx) => tx.query('select from ledger.balance for update'),
    Array.from({ length: 3 }, () => () => place(2)),
  )
  expect(codes(more.flat()).filter((code) => code === 'placed')).toHaveLength(2)
  const read = await readLimits(shop.app, id)
  expect([read.in_flight.orders, read.daily_spend.spent]).toEqual([7, 7n * charge])
  await expectSound(shop.app)
})

test('a limit that is set while batches are under way misses none of their orders', async () => {
  const { shop, id, limit, place, charge } = await setup()
  const batches = Array.from({ length: 6 }, () => place(5))
  await limit({ in_flight_max: 1_000, daily_spend_max: 1_000n * charge })
  await Promise.all([...batches, place(5)])
  const read = await readLimits(shop.app, id)
  expect([read.in_flight.orders, read.daily_spend.spent]).toEqual([35, 35n * charge])
})

test('a request repeated under its key gets its order, though the limit is used up by it', async () => {
  const { limit, place } = await setup()
  await limit({ in_flight_max: 1 })
  const again = await place(1, { request_key: 'k', link: 'https://example.com/k' })
  const both = await Promise.all([1, 2].map(() => place(2, { request_key: 'k', link: 'https://example.com/k' })))
  for (const outcome of both.flat()) expect(outcome).toEqual({ ...again[0], replayed: true })
  expect(codes(await place(1, { request_key: 'other' }))).toEqual(['too_many_orders_in_flight'])
})

test('the house’s limits bind whoever has none of their own, from the moment they are set', async () => {
  const { shop, id, limit, place, charge } = await setup()
  await place(2)
  await putSetting(shop.app.db, inFlightMax, 3)
  await putSetting(shop.app.db, dailySpendMax, '1000')
  await shop.app.settings.refresh()
  expect(codes(await place(2))).toEqual(['placed', 'too_many_orders_in_flight'])
  expect((await readLimits(shop.app, id)).daily_spend).toMatchObject({ own: false, spent: 3n * charge })
  await limit({ in_flight_max: 4 })
  expect(codes(await place(2))).toEqual(['placed', 'too_many_orders_in_flight'])
  const other = await shop.customer('50')
  expect(
    codes(
      await placeOrders(
        shop.app,
        Array.from({ length: 4 }, () => anOrder(shop, other.id)),
      ),
    ),
  ).toEqual([...['placed', 'placed', 'placed'], 'too_many_orders_in_flight'])
})

test('a change of limits is in the audit, with what stood before and why; setting what stands writes nothing', async () => {
  const { shop, limit } = await setup()
  await limit({ in_flight_max: 4 })
  await limit({ in_flight_max: 4 })
  await limit({ daily_spend_max: 1_500_000n })
  const acts = await shop.app.db.query(
    `select action, before, after, reason from audit.act where action = 'limits.changed' order by id`,
  )
  expect(acts).toEqual([
    {
      action: 'limits.changed',
      before: { daily_spend_max: null, in_flight_max: null },
      after: { daily_spend_max: null, in_flight_max: 4 },
      reason: 'test',
    },
    {
      action: 'limits.changed',
      before: { daily_spend_max: null, in_flight_max: 4 },
      after: { daily_spend_max: '1.50', in_flight_max: 4 },
      reason: 'test',
    },
  ])
})
