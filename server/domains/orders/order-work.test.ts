import { expect, onTestFinished, test } from 'vitest'
import { startProviderPanel } from '#sandbox/provider/start-provider-panel.ts'
import { addProvider } from '#server/domains/providers/add-provider.ts'
import { openSecrets } from '#server/platform/secrets/secrets.ts'
import { anOrder, dripFed, expectSound, orderNow, placed } from '#test/support/order-book.ts'
import { openShop, type Shop } from '#test/support/shop.ts'
import { startOrderWork } from './jobs.ts'
import type { Order } from './order.ts'
import { placeOrders } from './placing/place-orders.ts'

const AT_ONCE = { complete_ms_min: 0, complete_ms_max: 0 }

function startWork(shop: Shop) {
  const work = startOrderWork(shop.app, shop.providers)
  onTestFinished(() => work.stop())
  return work
}

const stateOf = async (shop: Shop, order: Order | undefined) => (await orderNow(shop, order?.id as bigint)).state

test('orders go all the way by themselves, and a stop leaves nothing half done', async () => {
  const shop = await openShop({ panel: { pace: AT_ONCE } })
  const { id: customer } = await shop.customer()
  const orders = await placed(shop, customer, 30)
  const work = startWork(shop)
  await expect
    .poll(async () => Promise.all(orders.map((order) => stateOf(shop, order))), { timeout: 20_000 })
    .toEqual(orders.map(() => 'completed'))
  await work.stop()
  expect(await shop.wallet(customer)).toMatchObject({ held: 0n })
  expect((await shop.control.summary()).orders_accepted).toBe(30)
  await expectSound(shop.app)
})

test('the runs of a drip-feed go out by themselves, each when it is due', async () => {
  const shop = await openShop({ panel: { pace: AT_ONCE } })
  const { id: customer } = await shop.customer()
  const runs = { service_id: dripFed(shop).id, quantity: '100', runs: '3', interval: '60' }
  await placeOrders(shop.app, [anOrder(shop, customer, runs)])
  const { db } = shop.app
  await db.query('update orders.orders set not_before = now() where run = 2')
  const work = startWork(shop)
  const states = () => db.query('select state from orders.orders order by run')
  await expect
    .poll(states, { timeout: 20_000 })
    .toEqual(['completed', 'completed', 'scheduled'].map((state) => ({ state })))
  await work.stop()
  expect((await shop.control.summary()).orders_accepted).toBe(2)
  await expectSound(shop.app)
})

test('a stop waits for the answers of what was sent, and sends no more', async () => {
  const shop = await openShop({ provider: { concurrency: 4 } })
  const { id: customer } = await shop.customer()
  const orders = await placed(shop, customer, 50)
  await shop.control.setFaults({ delay: { probability: 1, ms: 300, actions: ['add'] } })
  const work = startWork(shop)
  await expect.poll(async () => (await shop.control.summary()).orders_accepted).toBeGreaterThan(0)
  await work.stop()
  const states = await Promise.all(orders.map((order) => stateOf(shop, order)))
  expect(new Set(states)).toEqual(new Set(['pending', 'queued']))
  expect(states.filter((state) => state === 'pending')).toHaveLength((await shop.control.summary()).orders_accepted)
  await expectSound(shop.app)
})

test('a provider that hangs holds up no other', async () => {
  const shop = await openShop({ panel: { pace: AT_ONCE } })
  const hanging = await startProviderPanel({ key: 'another-key', pace: AT_ONCE })
  const secrets = await openSecrets(shop.app.config)
  const other = await shop.app.db.transaction((tx) =>
    addProvider(tx, secrets, {
      name: 'Hanging',
      url: hanging.url,
      currency: 'USD',
      key: 'another-key',
      timeout_ms: 20_000,
    }),
  )
  await fetch(`${hanging.control_url}/faults`, { method: 'PUT', body: JSON.stringify({ hang: 1 }) })
  const { id: customer } = await shop.customer()
  const [stuck, free] = (await placed(shop, customer, 2)) as [Order, Order]
  await shop.app.db.query('update orders.orders set provider_id = $2 where id = $1', [stuck.id, other.id])
  const work = startOrderWork(shop.app, shop.providers)
  await expect.poll(() => stateOf(shop, free), { timeout: 10_000 }).toBe('completed')
  expect(await stateOf(shop, stuck)).toBe('queued')
  // What hangs ends with the panel.
  await hanging.close()
  await work.stop()
})

test('two workers share the orders and send each once', async () => {
  const shop = await openShop({ panel: { pace: AT_ONCE } })
  const { id: customer } = await shop.customer('1000')
  const orders = await placed(shop, customer, 300)
  const workers = [startWork(shop), startWork(shop)]
  await expect
    .poll(async () => (await shop.app.db.query(`select from orders.orders where state <> 'completed'`)).length, {
      timeout: 25_000,
    })
    .toBe(0)
  await Promise.all(workers.map((work) => work.stop()))
  expect(await shop.control.summary()).toMatchObject({
    orders_accepted: orders.length,
    links_ordered_more_than_once: 0,
  })
  await expectSound(shop.app)
})
