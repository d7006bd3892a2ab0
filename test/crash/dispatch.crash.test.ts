import type { ChildProcess } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { placeOrders } from '#server/domains/orders/placing/place-orders.ts'
import { createTestDatabase, dropTestDatabase } from '#test/support/database.ts'
import { anOrder } from '#test/support/order-book.ts'
import { startOrderWorker, stopOrderWorker } from '#test/support/order-workers.ts'
import { type Desk, expectReconciled, followToTheEnd, statesOf, workTheDesk } from '#test/support/reconcile.ts'
import { openShop, type Shop } from '#test/support/shop.ts'

const ROUNDS = 50
/** Workers that are still starting while others work: that takes longer than a round. */
const STARTING = 3
const ORDERS_A_ROUND = 60
/** A worker lives at least so long after it began to work, and at most twice that. */
const LIFE_MS = 150
const FUNDS = 10_000

test(`a worker killed ${ROUNDS} times while dispatching: no order is doubled, none is lost, every unit is accounted for`, {
  timeout: 300_000,
}, async () => {
  const { shop, url, customers } = await setup()
  const starting = Array.from({ length: STARTING }, () => startOrderWorker(shop, url))
  const working = [await startOrderWorker(shop, url)]
  let in_flight = 0
  for (let round = 0; round < ROUNDS; round++) {
    await placeSome(shop, customers)
    working.push((await starting.shift()) as ChildProcess)
    starting.push(startOrderWorker(shop, url))
    await delay(LIFE_MS + Math.random() * LIFE_MS)
    in_flight += (await statesOf(shop)).dispatching ?? 0
    working.shift()?.kill('SIGKILL')
  }
  working.push(...(await Promise.all(starting)))
  const desk: Desk = { placed: 0, resent: 0, refunded: 0, refused: 0 }
  await expect
    .poll(
      async () => {
        await workTheDesk(shop, desk)
        const { queued = 0, dispatching = 0, unknown = 0, failed = 0 } = await statesOf(shop)
        return { queued, dispatching, unknown, failed }
      },
      { timeout: 60_000, interval: 500 },
    )
    .toEqual({ queued: 0, dispatching: 0, unknown: 0, failed: 0 })
  await Promise.all(working.map(stopOrderWorker))
  await followToTheEnd(shop)
  await expectReconciled(shop, customers)
  // Workers died with orders in their hands: some had arrived, some had not.
  expect(in_flight).toBeGreaterThan(ROUNDS)
  expect(desk.placed).toBeGreaterThan(0)
  expect(desk.resent).toBeGreaterThan(0)
})

async function setup() {
  const url = await createTestDatabase()
  onTestFinished(() => dropTestDatabase(url))
  const shop = await openShop({
    url,
    panel: { balance: '100000', delay_ms: 20, pace: { complete_ms_min: 0, complete_ms_max: 2_000 } },
    provider: { timeout_ms: 1_000, concurrency: 16 },
  })
  const customers = await Promise.all(
    [1, 2, 3].map(async () => {
      const { id } = await shop.customer(String(FUNDS))
      return { id, funds: BigInt(FUNDS) * 1_000_000n }
    }),
  )
  return { shop, url, customers }
}

async function placeSome(shop: Shop, customers: readonly { id: bigint }[]): Promise<void> {
  const inputs = customers.flatMap(({ id }) =>
    Array.from({ length: ORDERS_A_ROUND / customers.length }, () => anOrder(shop, id)),
  )
  const outcomes = await placeOrders(shop.app, inputs)
  expect(outcomes.every((outcome) => outcome.ok)).toBe(true)
}
