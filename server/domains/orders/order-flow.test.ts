import { expect, test } from 'vitest'
import { openShop, type Shop } from '#test/support/shop.ts'
import { dispatchOrders, newLane } from './dispatch-orders.ts'
import { placeOrders } from './place-orders.ts'
import { pollOrders } from './poll-orders.ts'
import { findOrder, historyOf } from './queries.ts'
import { type Placement, recordPlacements } from './record-placements.ts'

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
  expect(await shop.prepaid()).toBe(BigInt(Math.round(Number(summary.balance) * 1e6)))
})

test('an order that may have been placed waits as unknown and is not sent again', async () => {
  const shop = await openShop()
  const customer = await shop.customer('100')
  await place(shop, customer.id)
  await shop.control.setFaults({ cut_after: { probability: 1, actions: ['add'] } })
  await dispatchAll(shop)
  await dispatchAll(shop)
  const summary = await shop.control.summary()
  expect(summary.orders_accepted).toBe(1)
  expect((await shop.wallet(customer.id)).held).toBeGreaterThan(0n)
})
