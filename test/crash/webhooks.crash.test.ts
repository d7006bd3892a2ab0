import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { emitOrders } from '#server/domains/orders/emit-orders.ts'
import { ordersSettled } from '#server/domains/orders/events.ts'
import { createTestDatabase, dropTestDatabase } from '#test/support/database.ts'
import { openWebhookHouse, type WebhookHouse } from '#test/support/webhooks.ts'

const ROUNDS = 4
const WORKERS = 2
const WEBHOOKS = 6
const EVENTS_A_ROUND = 60
/** So many must be in a worker's hands when it is killed. */
const IN_HANDS = 5

test(`workers killed ${ROUNDS} times while they deliver: each event arrives under one id, and none is lost`, {
  timeout: 180_000,
}, async () => {
  const { house, url, webhooks } = await setup()
  const startAll = () => Promise.all(Array.from({ length: WORKERS }, () => startWorker(house, url)))
  let told = 0
  for (let round = 0; round < ROUNDS; round++) {
    const workers = await startAll()
    told += await tellSome(house, webhooks, told)
    const inHands = () => countOf(house, `state = 'sending'`)
    await expect.poll(inHands, { timeout: 20_000, interval: 5 }).toBeGreaterThanOrEqual(IN_HANDS)
    for (const worker of workers) worker.kill('SIGKILL')
  }
  const workers = await startAll()
  // The outbox too: a publisher may have died with events in its hands.
  await expect.poll(() => countOf(house, 'true'), { timeout: 60_000, interval: 100 }).toBe(told)
  await expect.poll(() => countOf(house, `state <> 'delivered'`), { timeout: 60_000, interval: 100 }).toBe(0)
  await Promise.all(workers.map(stopWorker))
  await expectAllArrived(house, webhooks, told)
  // Workers died with deliveries in their hands, and some of those had arrived: they came again, under the id they had.
  const [interrupted] = await house.app.db.query<{ n: number }>(
    `select count(*)::int as n from notifications.webhook_attempt where failure = 'interrupted'`,
  )
  expect(interrupted?.n).toBeGreaterThan(ROUNDS)
  expect((await house.receiver.summary()).repeated).toBeGreaterThan(0)
})

async function setup() {
  const url = await createTestDatabase()
  onTestFinished(() => dropTestDatabase(url))
  const house = await openWebhookHouse({ url })
  // What a lost worker held is given up soon, and what broke is tried again soon.
  await house.set({ timeout_ms: 500, retry_waits: [1, 1, 1, 1, 1, 1], concurrency_max: 20 })
  await house.receiver.setFaults({
    slow: { probability: 0.7, ms: 150 },
    cut_after: { probability: 0.05 },
    http: { probability: 0.05, code: 503 },
  })
  const webhooks = []
  for (let i = 0; i < WEBHOOKS; i++) webhooks.push(await house.webhook(`shop-${i}`))
  return { house, url, webhooks }
}

type Webhooks = Awaited<ReturnType<typeof setup>>['webhooks']

/** As a verb of orders would: one event of the outbox for many orders, of all customers. Answers how many orders. */
async function tellSome(house: WebhookHouse, webhooks: Webhooks, told: number): Promise<number> {
  const orders = Array.from({ length: EVENTS_A_ROUND }, (_, i) => ({
    order_id: BigInt(told + i + 1),
    customer_id: (webhooks[i % WEBHOOKS] as Webhooks[number]).user_id,
    provider_id: 1n,
    state: 'completed' as const,
    version: 5n,
    shown: {
      ...{ status: 'Completed' as const, charge: '1.00', currency: 'USD', start_count: null, remains: '0' },
      ...{ service: '1', quantity: '10', request_id: null, drip_feed: null, run: null, subscription: null, post: null },
    },
  }))
  await house.app.db.transaction(async (tx) => emitOrders(tx, ordersSettled, orders))
  return orders.length
}

async function countOf(house: WebhookHouse, condition: string): Promise<number> {
  const [row] = await house.app.db.query<{ n: number }>(
    `select count(*)::int as n from notifications.webhook_delivery where ${condition}`,
  )
  return row?.n ?? 0
}

/** Every order was told of, to whom it belongs, always under the same id and signed. */
async function expectAllArrived(house: WebhookHouse, webhooks: Webhooks, told: number): Promise<void> {
  const ids = new Map<string, Set<string>>()
  for (let hook = 0; hook < webhooks.length; hook++) {
    for (const { id, body, signature } of await house.receiver.received({ hook: `shop-${hook}`, limit: 1_000 })) {
      expect(signature).toBe('ok')
      const { type, data } = JSON.parse(body) as { type: string; data: { id: string } }
      expect([type, ((Number(data.id) - 1) % EVENTS_A_ROUND) % WEBHOOKS]).toEqual(['order.completed', hook])
      ids.set(data.id, (ids.get(data.id) ?? new Set()).add(id))
    }
  }
  expect([...ids.keys()].map(Number).sort((a, b) => a - b)).toEqual(Array.from({ length: told }, (_, i) => i + 1))
  expect([...ids.values()].filter((each) => each.size !== 1)).toEqual([])
  expect(await house.receiver.summary()).toMatchObject({ events: told, events_taken: told, wrong_signatures: 0 })
}

async function startWorker(house: WebhookHouse, url: string): Promise<ChildProcess> {
  const worker = fork(join(import.meta.dirname, 'webhook-worker.ts'), [url, house.app.config.home])
  onTestFinished(() => void worker.kill('SIGKILL'))
  const died = once(worker, 'exit').then(() => {
    throw new Error('a worker ended before it began')
  })
  await Promise.race([once(worker, 'message'), died])
  died.catch(() => {
    // From now on its end is what the test is about.
  })
  return worker
}

async function stopWorker(worker: ChildProcess): Promise<void> {
  const ended = once(worker, 'exit')
  worker.send('stop')
  expect(await ended).toEqual([0, null])
}
