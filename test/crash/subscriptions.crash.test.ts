import type { ChildProcess } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { pollOrders } from '#server/domains/orders/following/poll-orders.ts'
import { FINAL_STATES, ORDER_COLUMNS, type Order } from '#server/domains/orders/order.ts'
import { placeOrders } from '#server/domains/orders/placing/place-orders.ts'
import { parseAmount } from '#server/kit/money.ts'
import { createTestDatabase, dropTestDatabase } from '#test/support/database.ts'
import { expectSound } from '#test/support/order-book.ts'
import { startOrderWorker, stopOrderWorker } from '#test/support/order-workers.ts'
import { followToTheEnd } from '#test/support/reconcile.ts'
import { openShop, type Shop } from '#test/support/shop.ts'
import { aSubscription } from '#test/support/subscriptions.ts'

const ROUNDS = 25
/** A worker is killed somewhere within what it does with so many answers of the provider, and this time more; where none come, after a while. */
const [ANSWERS_MAX, MORE_MS, LOOKS_MAX, LOOK_MS] = [3, 80, 500, 5]
/** Of each customer, and what each has: for all posts, for a few, and for not one beyond what is set aside (2.21 for each post of 20 pieces). Each has a post a round. */
const SUBSCRIPTIONS = 4
const FUNDS = ['1000', '40', '9']
const DUE_EACH_MS = 20
const SLOW_S = 0.01

test(`a worker killed ${ROUNDS} times while posts are taken up: each is billed once, or its loss is known, and every unit is accounted for`, {
  timeout: 240_000,
}, async () => {
  const { shop, url, customers } = await setup()
  let next = startOrderWorker(shop, url)
  await expect.poll(() => countWhere(shop, `state in ('queued', 'dispatching')`), { timeout: 30_000 }).toBe(0)
  const asking = keepDue(shop)
  await slowDown(shop)
  const taken_up: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const worker = await next
    next = startOrderWorker(shop, url)
    for (const { id } of await active(shop)) await shop.control.post(id)
    await killInItsWork(shop, worker)
    taken_up.push(await countWhere(shop, 'subscription_id is not null'))
  }
  const last = await next
  for (const { id } of await active(shop)) await shop.control.finish(id, { status: 'Completed' })
  await expect
    .poll(() => countWhere(shop, `state <> all ('{${FINAL_STATES}}')`), { timeout: 60_000, interval: 200 })
    .toBe(0)
  await asking.stop()
  await stopOrderWorker(last)
  await askOnceMore(shop)
  await expectBilledOnce(shop, customers)
  // Workers died while posts were on their way.
  const growing = taken_up.filter((count, i) => count > (taken_up[i - 1] ?? 0))
  expect(growing.length).toBeGreaterThan(ROUNDS / 3)
})

async function setup() {
  const url = await createTestDatabase()
  onTestFinished(() => dropTestDatabase(url))
  const shop = await openShop({
    url,
    panel: { balance: '100000', delay_ms: 10, pace: { complete_ms_min: 0, complete_ms_max: 1_000, post_every_ms: 0 } },
    provider: { timeout_ms: 1_000 },
  })
  const customers = await Promise.all(
    FUNDS.map(async (usd) => ({ ...(await shop.customer(usd)), funds: BigInt(usd) * 1_000_000n })),
  )
  const inputs = customers.flatMap(({ id }) =>
    Array.from({ length: SUBSCRIPTIONS }, (_, i) => aSubscription(shop, id, { username: `of_${id}_${i}` })),
  )
  for (const outcome of await placeOrders(shop.app, inputs)) expect(outcome.ok).toBe(true)
  return { shop, url, customers }
}

/** The subscriptions that go on at the provider. */
async function active({ control }: Shop) {
  const ended = ['Completed', 'Canceled', 'Expired']
  return (await control.allOrders()).filter(({ type, parent, status }) => {
    return type === 'Subscriptions' && parent === null && !ended.includes(status)
  })
}

async function killInItsWork({ control }: Shop, worker: ChildProcess): Promise<void> {
  const asked = async () => (await control.summary()).requests.status ?? 0
  const enough = (await asked()) + Math.random() * ANSWERS_MAX
  for (let looks = 0; looks < LOOKS_MAX && (await asked()) < enough; looks++) await delay(LOOK_MS)
  await delay(Math.random() * MORE_MS)
  worker.kill('SIGKILL')
}

/** As on a slow disk: what a worker writes of posts takes it most of its life, so that kills fall into it, between any two of its statements. */
async function slowDown({ app }: Shop): Promise<void> {
  await app.db.query(`
    create function orders.slow() returns trigger language plpgsql as $$ begin perform pg_sleep(${SLOW_S}); return null; end $$;
    create trigger slow after insert on orders.orders for each statement execute function orders.slow();
    create trigger slow after update on orders.subscription for each statement execute function orders.slow();
    create trigger slow after insert on ledger.hold for each statement execute function orders.slow()`)
}

/** As if each order had waited long enough to be asked about, so that a worker always has something in its hands. */
function keepDue({ app }: Shop): { stop(): Promise<void> } {
  let stopped = false
  const going = (async () => {
    while (!stopped) {
      await app.db.query(
        `update orders.orders set next_check_at = now() where id in (select id from orders.orders
          where next_check_at > now() order by id for no key update skip locked)`,
      )
      await delay(DUE_EACH_MS)
    }
  })()
  return {
    stop: () => {
      stopped = true
      return going
    },
  }
}

async function countWhere({ app }: Shop, condition: string): Promise<number> {
  const rows = await app.db.query<{ n: number }>(`select count(*)::int as n from orders.orders where ${condition}`)
  return rows[0]?.n ?? 0
}

/** What came between the last look at a subscription and its end is taken up by one more. */
async function askOnceMore(shop: Shop): Promise<void> {
  const rows = await shop.app.db.query<{ id: bigint }>('select id from orders.subscription')
  await pollOrders(
    shop.app,
    shop.providers,
    shop.provider_id,
    rows.map(({ id }) => id),
  )
  await followToTheEnd(shop)
}

/** Each post at the provider is one order of ours, charged in full, or a loss that is written down; nobody paid for more, and the provider's count of our balance is ours. */
async function expectBilledOnce(shop: Shop, customers: readonly { id: bigint; funds: bigint }[]): Promise<void> {
  const orders = await shop.app.db.query<Order>(`select ${ORDER_COLUMNS} from orders.orders order by id`)
  const unbilled = await shop.app.db.query<{ provider_order_id: string }>(
    'select provider_order_id from orders.unbilled_post',
  )
  const posts = orders.filter(({ subscription_id }) => subscription_id !== null)
  const at_provider = (await shop.control.allOrders()).filter(({ parent }) => parent !== null)
  const known = [...posts, ...unbilled].map(({ provider_order_id }) => provider_order_id)
  expect(known.sort()).toEqual(at_provider.map(({ id }) => id).sort())
  for (const post of posts) expect([post.state, post.captured]).toEqual(['completed', post.charge])
  for (const { id, funds } of customers) {
    const captured = orders.filter((order) => order.customer_id === id).reduce((sum, order) => sum + order.captured, 0n)
    expect(await shop.wallet(id)).toEqual({ posted: funds - captured, held: 0n })
  }
  const billed = customers.map(({ id }) => posts.filter(({ customer_id }) => customer_id === id).length)
  expect(billed[0]).toBe(SUBSCRIPTIONS * ROUNDS)
  expect(billed[1]).toBe(Math.floor(Number(FUNDS[1]) / 2.21))
  expect(billed[2]).toBe(SUBSCRIPTIONS)
  expect(await shop.prepaid()).toBe(parseAmount((await shop.control.summary()).balance, 6))
  await expectSound(shop.app)
}
