import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { changeProvider } from '#server/domains/providers/change-provider.ts'
import { parseAmount } from '#server/kit/money.ts'
import { openSecrets } from '#server/platform/secrets/secrets.ts'
import { cheapest } from '#test/support/order-book.ts'
import { expectReconciled, followToTheEnd, statesOf } from '#test/support/reconcile.ts'
import { openShop, type Shop } from '#test/support/shop.ts'
import { dispatchOrders, newLane } from './dispatching/dispatch-orders.ts'
import { type Placement, recordPlacements } from './dispatching/record-placements.ts'
import { pollOrders } from './following/poll-orders.ts'
import { placeOrders } from './placing/place-orders.ts'
import { findOrder, historyOf } from './queries.ts'

/** Sends all that is queued and waits until every answer is written down. */
async function dispatchAll(shop: Shop): Promise<void> {
  const lane = newLane(shop.provider_id, () => {})
  const recorded: Promise<void>[] = []
  const record = (placement: Placement) => {
    const done = recordPlacements(shop.app, [placement])
    recorded.push(done)
    return done
  }
  while (await dispatchOrders(shop.app, shop.providers, lane, record)) {
    while (lane.in_flight > 0) await new Promise((resolve) => setImmediate(resolve))
  }
  await Promise.all(recorded)
}

async function place(shop: Shop, customer_id: bigint, n = 1) {
  const service = shop.service('Default')
  const inputs = Array.from({ length: n }, (_, i) => ({
    customer_id,
    service_id: service.id,
    link: `https://example.com/${customer_id}/${i}`,
    quantity: String(service.min),
  }))
  const outcomes = await placeOrders(shop.app, inputs)
  return outcomes.map((outcome) => {
    if (!outcome.ok) throw new Error(outcome.refusal.message)
    return outcome
  })
}

test('an order is placed, forwarded, followed to its end and settled to the last unit', async () => {
  const shop = await openShop()
  const customer = await shop.customer('100')
  const [placed] = await place(shop, customer.id)
  if (!placed) throw new Error('not placed')
  expect(await shop.wallet(customer.id)).toEqual({ posted: 100_000_000n, held: placed.charge })

  await dispatchAll(shop)
  const sent = await findOrder(shop.app.db, placed.order_id)
  expect(sent).toMatchObject({ state: 'pending', attempts: 1 })
  expect(await shop.prepaid()).toBe(1_000_000_000n - (sent?.booked_cost ?? 0n))

  await shop.control.finish(sent?.provider_order_id as string, { status: 'Completed' })
  await pollOrders(shop.app, shop.providers, shop.provider_id, [placed.order_id])
  const done = await findOrder(shop.app.db, placed.order_id)
  expect(done).toMatchObject({ state: 'completed', captured: placed.charge, released: 0n })
  expect(await shop.wallet(customer.id)).toEqual({ posted: 100_000_000n - placed.charge, held: 0n })
  expect((await historyOf(shop.app.db, placed.order_id)).map((step) => step.kind)).toEqual([
    'placed',
    'sent',
    'accepted',
    'settled',
  ])
})

test('a partial order captures what was delivered and releases the rest, and the cost follows the provider', async () => {
  const shop = await openShop()
  const customer = await shop.customer('100')
  const [placed] = await place(shop, customer.id)
  if (!placed) throw new Error('not placed')
  await dispatchAll(shop)
  const sent = await findOrder(shop.app.db, placed.order_id)
  await shop.control.finish(sent?.provider_order_id as string, { status: 'Partial', remains: 1 })
  await pollOrders(shop.app, shop.providers, shop.provider_id, [placed.order_id])
  const done = await findOrder(shop.app.db, placed.order_id)
  expect(done?.state).toBe('partial')
  expect((done?.captured ?? 0n) + (done?.released ?? 0n)).toBe(placed.charge)
  expect(done?.captured).toBeLessThan(placed.charge)
  const summary = await shop.control.summary()
  expect(await shop.prepaid()).toBe(parseAmount(summary.balance, 6))
})

test('an order that may have been placed waits as unknown and is not sent again', async () => {
  const shop = await openShop()
  const customer = await shop.customer('100')
  const [placed] = await place(shop, customer.id)
  await shop.control.setFaults({ cut_after: { probability: 1, actions: ['add'] } })
  await dispatchAll(shop)
  await dispatchAll(shop)
  expect(await findOrder(shop.app.db, placed?.order_id as bigint)).toMatchObject({
    state: 'unknown',
    reason: 'connection_lost',
  })
  expect((await shop.control.summary()).requests.add).toBe(1)
  expect((await shop.wallet(customer.id)).held).toBe(placed?.charge)
})

test('an order of each type goes its whole way, with its parameters', async () => {
  const shop = await openShop()
  const customer = await shop.customer('500')
  const link = 'https://example.com/each'
  const outcomes = await placeOrders(shop.app, [
    { customer_id: customer.id, service_id: cheapest(shop).id, link: `${link}/1`, quantity: '250' },
    { customer_id: customer.id, service_id: shop.service('Package').id, link: `${link}/2` },
    {
      customer_id: customer.id,
      service_id: shop.service('Custom Comments').id,
      link: `${link}/3`,
      comments: 'a\r\nb & c\n',
    },
  ])
  expect(outcomes.every((outcome) => outcome.ok)).toBe(true)
  await dispatchAll(shop)
  const at_provider = await shop.control.allOrders()
  expect(at_provider.map(({ type, quantity, fields }) => [type, quantity, fields.comments]).sort()).toEqual([
    ['Custom Comments', 2, 'a\nb & c'],
    ['Default', 250, undefined],
    ['Package', 1, undefined],
  ])
  for (const { id } of at_provider) await shop.control.finish(id, { status: 'Completed' })
  await followToTheEnd(shop)
  await expectReconciled(shop, [{ id: customer.id, funds: 500_000_000n }])
  expect(await statesOf(shop)).toEqual({ completed: 3 })
})

test('a cancelled order gives all back, with the customer and with us', async () => {
  const shop = await openShop()
  const customer = await shop.customer('100')
  await place(shop, customer.id)
  await dispatchAll(shop)
  const [sent] = await shop.control.allOrders()
  await shop.control.finish(sent?.id as string, { status: 'Canceled' })
  await followToTheEnd(shop)
  expect(await shop.wallet(customer.id)).toEqual({ posted: 100_000_000n, held: 0n })
  expect(await shop.prepaid()).toBe(1_000_000_000n)
  await expectReconciled(shop, [{ id: customer.id, funds: 100_000_000n }])
})

test('a provider that changed its price and says so only later ends with our books at its own figure', async () => {
  const shop = await openShop()
  const customer = await shop.customer('100')
  const [placed] = await place(shop, customer.id)
  await shop.control.setFaults({ price_change: { probability: 1, percent: 40 } })
  await dispatchAll(shop)
  const [sent] = await shop.control.allOrders()
  await shop.control.finish(sent?.id as string, { status: 'Completed' })
  await shop.control.setFaults({ numbers_null: 1 })
  const ids = [placed?.order_id as bigint]
  await pollOrders(shop.app, shop.providers, shop.provider_id, ids)
  expect(await findOrder(shop.app.db, ids[0] as bigint)).toMatchObject({ state: 'completed' })
  expect(await shop.prepaid()).not.toBe(parseAmount((await shop.control.summary()).balance, 6))
  await shop.control.setFaults({})
  await pollOrders(shop.app, shop.providers, shop.provider_id, ids)
  await expectReconciled(shop, [{ id: customer.id, funds: 100_000_000n }])
})

test('whatever bytes a provider refuses with, the refusal is written down', async () => {
  const shop = await openShop()
  const customer = await shop.customer('100')
  const [placed] = await place(shop, customer.id)
  const odd = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString()
    response.end(body.includes('action=balance') ? '{"balance":"9"}' : '{"error":"a\\u0000b \\ud800 \\uffff \\u202e"}')
  })
  await new Promise<void>((resolve) => odd.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void odd.close())
  const url = `http://127.0.0.1:${(odd.address() as AddressInfo).port}/api/v2`
  const secrets = await openSecrets(shop.app.config)
  await shop.app.db.transaction((tx) =>
    changeProvider(tx, secrets, { provider_id: shop.provider_id, settings: { url, timeout_ms: 1_000 } }),
  )
  await dispatchAll(shop)
  const order = await findOrder(shop.app.db, placed?.order_id as bigint)
  expect(order).toMatchObject({ state: 'failed', reason: 'other' })
  expect(order?.detail).toMatch(/^ab /)
})
