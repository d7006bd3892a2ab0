import { expect, test } from 'vitest'
import { FAULT_NAMES, type FaultName } from '#sandbox/provider/faults.ts'
import { releaseQuarantine } from '#server/domains/catalog/sources/release-quarantine.ts'
import { orderSubscriptions, startOrderWork } from '#server/domains/orders/jobs.ts'
import { placeOrders } from '#server/domains/orders/placing/place-orders.ts'
import { startPublisher } from '#server/platform/outbox/publisher.ts'
import { anOrder, cheapest } from '#test/support/order-book.ts'
import { type Desk, expectReconciled, followToTheEnd, statesOf, workTheDesk } from '#test/support/reconcile.ts'
import { openShop, type Shop } from '#test/support/shop.ts'

const ORDERS = Number(process.env.SALDO_TEST_FAULT_ORDERS ?? 5_000)
const CUSTOMERS = 8
const EACH = 0.1
/** So long everything goes wrong; then the provider recovers, and what is left comes to its end. */
const STORM_MS = 20_000
const FUNDS = 5_000

/** All that can happen to `add`, `status` and `balance`, but for what would hide a doubled order. */
const FAULTS = FAULT_NAMES.filter((name) => !/^(services_|booleans_|refill_|cancel_|duplicate_check$)/.test(name))

/** The weather of one second: every third fault, each striking one time in ten; each fault has its turn in three seconds. */
function weather(second: number): Parameters<Shop['control']['setFaults']>[0] {
  const names = FAULTS.filter((_, i) => (i + second) % 3 === 0)
  return Object.fromEntries(names.map((name) => [name, { probability: EACH, ...SMALLER[name] }]))
}

/** So that what is slow by itself leaves time for the rest. */
const SMALLER: Partial<Record<FaultName, object>> = { delay: { ms: 50 }, huge_body_after: { bytes: 200_000 } }

test(`${ORDERS} orders through a provider at which everything fails one time in ten: nothing doubled, nothing lost, to the unit`, {
  timeout: 180_000,
}, async () => {
  const shop = await openShop({
    panel: { balance: '100000', pace: { complete_ms_min: 0, complete_ms_max: 3_000 } },
    provider: { timeout_ms: 1_500, concurrency: 100 },
    connections: 16,
  })
  const customers = await placeAll(shop)
  const desk: Desk = { placed: 0, resent: 0, refunded: 0, refused: 0 }
  await shop.control.setFaults(weather(0))
  const work = startOrderWork(shop.app, shop.providers)
  const publisher = startPublisher(shop.app, orderSubscriptions(work.wakeDispatcher))
  const begin = performance.now()
  while (performance.now() - begin < STORM_MS) {
    await shop.control.setFaults(weather(Math.floor((performance.now() - begin) / 1_000)))
    await workTheDesk(shop, desk)
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
  await shop.control.setFaults({})
  await expect
    .poll(
      async () => {
        // Staff see that it works again.
        await releaseQuarantine(shop.app, { service_id: cheapest(shop).id })
        await workTheDesk(shop, desk)
        const { queued = 0, dispatching = 0, unknown = 0, failed = 0 } = await statesOf(shop)
        return { queued, dispatching, unknown, failed }
      },
      { timeout: 60_000, interval: 500 },
    )
    .toEqual({ queued: 0, dispatching: 0, unknown: 0, failed: 0 })
  await work.stop()
  await publisher.stop()
  await endAll(shop)
  await followToTheEnd(shop)
  await expectReconciled(shop, customers)
  // There was a storm, and it was met at the desk.
  const { orders_unanswered, faults_fired } = await shop.control.summary()
  expect(orders_unanswered).toBeGreaterThan(100)
  expect(Object.keys(faults_fired).length).toBeGreaterThan(FAULTS.length / 2)
  expect(desk.placed).toBeGreaterThan(0)
  expect(desk.resent).toBeGreaterThan(0)
})

async function placeAll(shop: Shop): Promise<{ id: bigint; funds: bigint }[]> {
  const customers = await Promise.all(
    Array.from({ length: CUSTOMERS }, async () => {
      const { id } = await shop.customer(String(FUNDS))
      return { id, funds: BigInt(FUNDS) * 1_000_000n }
    }),
  )
  for (let at = 0; at < ORDERS; at += 1_000) {
    const inputs = Array.from({ length: Math.min(1_000, ORDERS - at) }, (_, i) =>
      anOrder(shop, customers[i % CUSTOMERS]?.id as bigint),
    )
    const outcomes = await placeOrders(shop.app, inputs)
    expect(outcomes.every((outcome) => outcome.ok)).toBe(true)
  }
  return customers
}

/** Those that never end by themselves. */
async function endAll(shop: Shop): Promise<void> {
  for (const order of await shop.control.allOrders()) {
    if (!['Completed', 'Partial', 'Canceled'].includes(order.status))
      await shop.control.finish(order.id, { status: 'Completed' })
  }
}
