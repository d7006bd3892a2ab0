import { expect, test } from 'vitest'
import { createApiKey } from '#server/domains/identity/keys/create-api-key.ts'
import { sealBlocks } from '#server/domains/ledger/seal.ts'
import { atBarrier } from '#test/support/barrier.ts'
import { anEditor } from '#test/support/editors.ts'
import { acceptedAs, anOrder, claim, dripFed, ended, orderNow, told } from '#test/support/order-book.ts'
import { openShop, type Shop } from '#test/support/shop.ts'
import { recordPlacements } from '../dispatching/record-placements.ts'
import { recordStatuses } from '../following/record-statuses.ts'
import { placeOrders } from '../placing/place-orders.ts'
import { askRefund } from '../refunding/ask-refund.ts'
import { usageRows } from './queries.ts'
import { sumKeys } from './sum-keys.ts'
import { verifyKeyDays } from './verify-key-days.ts'

const EVER = { from: '2000-01-01', to: '2100-01-01' }

async function setup() {
  const shop = await openShop()
  const { id: customer_id } = await shop.customer('100')
  const [one, other] = [await aKey(shop, customer_id), await aKey(shop, customer_id)]
  return {
    shop,
    customer_id,
    one,
    other,
    rows: () => usageRows(shop.app, { customer_id, key_id: undefined }, EVER, 100),
  }
}

async function aKey({ app }: Shop, user_id: bigint): Promise<bigint> {
  return (await createApiKey(app, { user_id, name: 'shop' })).api_key.id
}

const seal = async ({ app }: Shop) => {
  while ((await sealBlocks(app.db)).movements > 0);
}

async function sumAll(shop: Shop): Promise<void> {
  await seal(shop)
  while ((await sumKeys(shop.app)).more);
}

/** Orders with one key: partial, completed and partly refunded, cancelled, and one under way; with another a drip-feed; and one without. */
async function aMixedDay({ shop, customer_id, one, other }: Awaited<ReturnType<typeof setup>>) {
  const by = (key_id: bigint) => ({ key_id, first_key_id: key_id })
  const inputs = Array.from({ length: 4 }, () => anOrder(shop, customer_id, by(one)))
  const outcomes = await placeOrders(shop.app, inputs)
  const ids = outcomes.map((each) => (each.ok ? each.order_id : 0n))
  const { claimed } = await claim(shop)
  await recordPlacements(
    shop.app,
    claimed.map((order) => ended(order, acceptedAs(`p${order.id}`, 9n))),
  )
  const [partial, completed, cancelled] = ids as [bigint, bigint, bigint]
  await recordStatuses(shop.app, [
    { order_id: partial, row: told('partial', { remains: 7n, charge: 5n }) },
    { order_id: completed, row: told('completed', { charge: 5n }) },
    { order_id: cancelled, row: told('cancelled', { charge: 0n }) },
  ])
  await askRefund(shop.app, await anEditor(shop.app, ['orders:refund']), {
    order_id: completed,
    amount: 11n,
    reason: 'x',
  })
  const runs = { service_id: dripFed(shop).id, quantity: '100', runs: '3', interval: '5' }
  const [feed] = await placeOrders(shop.app, [anOrder(shop, customer_id, { ...by(other), ...runs })])
  const [without] = await placeOrders(shop.app, [anOrder(shop, customer_id)])
  const orders = await Promise.all(ids.map((id) => orderNow(shop, id)))
  return { orders, feed, without }
}

const sum = (values: bigint[]) => values.reduce((all, each) => all + each, 0n)

test('each key has its orders and what became of their money, to the last unit', async () => {
  const house = await setup()
  const { shop, one, other, rows } = house
  const { orders, feed, without } = await aMixedDay(house)
  await sumAll(shop)
  const charge = (outcome: typeof feed) => (outcome?.ok ? outcome.charge : -1n)
  expect(await rows()).toMatchObject([
    { key_id: 0n, placed: 1n, charged: charge(without), captured: 0n, returned: 0n },
    {
      key_id: one,
      placed: 4n,
      charged: sum(orders.map((order) => order.charge)),
      captured: sum(orders.map((order) => order.captured - order.refunded)),
      returned: sum(orders.map((order) => order.released)),
    },
    { key_id: other, placed: 3n, charged: charge(feed), captured: 0n, returned: 0n },
  ])
  expect(sum(orders.map((order) => order.refunded))).toBe(11n)
  expect(await verifyKeyDays(shop.app.db)).toEqual([])
})

test('who goes on twice, at once or again counts nothing twice', async () => {
  const house = await setup()
  const { shop, rows } = house
  await aMixedDay(house)
  await seal(shop)
  const hold = (tx: { query: typeof shop.app.db.query }) => tx.query('select 1 from orders.key_day_progress for update')
  await atBarrier(shop.app.db, hold, [() => sumKeys(shop.app), () => sumKeys(shop.app)])
  const first = await rows()
  await sumAll(shop)
  expect(await rows()).toEqual(first)
  await aMixedDay(house)
  await sumAll(shop)
  expect((await rows()).map((row) => row.placed)).toEqual(first.map((row) => 2n * row.placed))
  expect(await verifyKeyDays(shop.app.db)).toEqual([])
})

test('a sum that is wrong is found by the proof: of orders, and of money', async () => {
  const house = await setup()
  const { shop, one } = house
  await aMixedDay(house)
  await sumAll(shop)
  await shop.app.db.query('update orders.key_day set captured = captured + 1 where key_id = $1', [one])
  expect(await verifyKeyDays(shop.app.db)).toMatchObject([{ what: expect.stringContaining('was captured') }])
  await shop.app.db.query('update orders.key_day set captured = captured - 1, placed = placed + 1 where key_id = $1', [
    one,
  ])
  expect(await verifyKeyDays(shop.app.db)).toMatchObject([{ what: expect.stringContaining(`with key ${one}`) }])
})
