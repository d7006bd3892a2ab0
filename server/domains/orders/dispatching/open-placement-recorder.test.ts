import { expect, test } from 'vitest'
import { acceptedAs, claim, claimed, ended, expectSound, orderNow, placed } from '#test/support/order-book.ts'
import { openShop } from '#test/support/shop.ts'
import { openPlacementRecorder } from './open-placement-recorder.ts'

test('what comes at the same time is written together', async () => {
  const shop = await openShop()
  const { id: customer } = await shop.customer()
  await placed(shop, customer, 50)
  const { claimed: orders } = await claim(shop)
  let transactions = 0
  const db = {
    ...shop.app.db,
    transaction: ((work) => {
      transactions += 1
      return shop.app.db.transaction(work)
    }) as typeof shop.app.db.transaction,
  }
  const record = openPlacementRecorder({ ...shop.app, db })
  await Promise.all(orders.map((order) => record(ended(order, acceptedAs(`p${order.id}`)))))
  expect(transactions).toBe(1)
  await expectSound(shop.app)
})

test('one answer that cannot be written does not hold up the others, and is written as soon as it can be', async () => {
  const shop = await openShop()
  const { id: customer } = await shop.customer()
  await placed(shop, customer, 8)
  const { claimed: orders } = await claim(shop)
  await shop.app.db.query(`alter table orders.orders add constraint poison check (provider_order_id <> 'p3')`)
  const record = openPlacementRecorder(shop.app)
  const recorded = orders.map((order, i) => record(ended(order, acceptedAs(`p${i}`))))
  await Promise.all(recorded.toSpliced(3, 1))
  const states = await Promise.all(orders.map(async ({ id }) => (await orderNow(shop, id)).state))
  expect(states).toEqual(orders.map((_, i) => (i === 3 ? 'dispatching' : 'pending')))
  await shop.app.db.query('alter table orders.orders drop constraint poison')
  await recorded[3]
  expect((await orderNow(shop, orders[3]?.id as bigint)).provider_order_id).toBe('p3')
  await expectSound(shop.app)
})

test('an answer outlives a database that is away for a moment', async () => {
  const shop = await openShop()
  const { id: customer } = await shop.customer()
  const order = await claimed(shop, customer)
  let failures = 0
  const db = {
    ...shop.app.db,
    transaction: ((work) => {
      if (failures++ < 2) return Promise.reject(new Error('the connection broke'))
      return shop.app.db.transaction(work)
    }) as typeof shop.app.db.transaction,
  }
  await openPlacementRecorder({ ...shop.app, db })(ended(order, acceptedAs('77')))
  expect(await orderNow(shop, order.id)).toMatchObject({ state: 'pending', provider_order_id: '77' })
})
