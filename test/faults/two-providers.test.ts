import { expect, test } from 'vitest'
import { FAULT_NAMES, type FaultName } from '#sandbox/provider/faults.ts'
import { releaseQuarantine } from '#server/domains/catalog/sources/release-quarantine.ts'
import { setStrategy } from '#server/domains/catalog/sources/set-strategy.ts'
import { orderSubscriptions, startOrderWork } from '#server/domains/orders/jobs.ts'
import { placeOrders } from '#server/domains/orders/placing/place-orders.ts'
import { startPublisher } from '#server/platform/outbox/publisher.ts'
import { anOrder, cheapest } from '#test/support/order-book.ts'
import { type Desk, expectReconciled, followToTheEnd, statesOf, workTheDesk } from '#test/support/reconcile.ts'
import { openShop, type Shop } from '#test/support/shop.ts'
import { addOtherProvider, asSource, changeStanding, type OtherProvider } from '#test/support/sources.ts'

/** 20,000 take a minute on two cores. */
const ORDERS = Number(process.env.SALDO_TEST_FAILOVER_ORDERS ?? 1_500)
const CUSTOMERS = 8
const EACH = 0.1
/** So long everything goes wrong at both; then they recover, and what is left comes to its end. */
const STORM_MS = Math.max(7_000, ORDERS)
/** In the middle of it one of them is switched off for so long; then the second half of the orders comes. */
const OFF = { from_ms: STORM_MS * 0.3, to_ms: STORM_MS * 0.7 }
const FUNDS = 20_000

/** All that can happen to `add`, `status` and `balance`, but for what would hide a doubled order, and for an empty balance, which moves all that waits to the other at once. */
const LEFT_OUT = /^(services_|booleans_|refill_|cancel_|duplicate_check$|balance_empty$)/
const FAULTS = FAULT_NAMES.filter((name) => !LEFT_OUT.test(name))

/** So that every fault has its turn at both, however slow the rounds are. */
const ROUNDS_MIN = 3

/** The weather of one round at one of them: every third fault, each striking one time in ten. They never have the same. */
function weather(round: number): Parameters<Shop['control']['setFaults']>[0] {
  const names = FAULTS.filter((_, i) => (i + round) % 3 === 0)
  return Object.fromEntries(names.map((name) => [name, { probability: EACH, ...SMALLER[name] }]))
}

const SMALLER: Partial<Record<FaultName, object>> = { delay: { ms: 50 }, huge_body_after: { bytes: 200_000 } }

test(`${ORDERS} orders through two providers at which everything fails one time in ten: none at both, none refunded and delivered, to the unit with each`, {
  timeout: 60_000 + 20 * STORM_MS,
}, async () => {
  const panel = { balance: '1000000', pace: { complete_ms_min: 0, complete_ms_max: 3_000 } }
  const provider = { timeout_ms: 1_500, concurrency: 100 }
  const shop = await openShop({ panel, provider, connections: 16 })
  const other = await addOtherProvider(shop, { panel: { ...panel, seed: 7 }, provider })
  const service = cheapest(shop)
  const source = await asSource(shop, other, service)
  await setStrategy(shop.app, { service_id: service.id, strategy: 'weighted' })
  const customers = await openCustomers(shop)
  await placeSome(shop, customers, ORDERS / 2)
  const desk: Desk = { placed: 0, resent: 0, refunded: 0, refused: 0 }
  const work = startOrderWork(shop.app, shop.providers)
  const publisher = startPublisher(shop.app, orderSubscriptions(work.wakeDispatcher))
  const workRound = async () => {
    // In such a storm each refuses often enough in a row to be put in quarantine; staff try it again.
    for (const { id } of [service, source]) await releaseQuarantine(shop.app, { service_id: id })
    await workTheDesk(shop, desk, [other])
  }
  await storm(shop, other, workRound, () => placeSome(shop, customers, ORDERS / 2))
  await Promise.all([shop.control.setFaults({}), other.control.setFaults({})])
  await expect
    .poll(
      async () => {
        await workRound()
        const { queued = 0, dispatching = 0, unknown = 0, failed = 0 } = await statesOf(shop)
        return { queued, dispatching, unknown, failed }
      },
      { timeout: 30_000 + 10 * STORM_MS, interval: 500 },
    )
    .toEqual({ queued: 0, dispatching: 0, unknown: 0, failed: 0 })
  await work.stop()
  await publisher.stop()
  for (const { control } of [shop, other]) await endAll(control)
  await followToTheEnd(shop)
  await expectReconciled(shop, customers, [other])
  await expectStormy(shop, other, desk)
})

async function storm(
  shop: Shop,
  other: OtherProvider,
  workRound: () => Promise<void>,
  placeMore: () => Promise<void>,
): Promise<void> {
  const begin = performance.now()
  const passed_ms = () => performance.now() - begin
  let was_off = false
  let is_off = false
  const switchTo = async (off: boolean) => {
    await changeStanding(shop, other.provider_id, `enabled = ${!off}`)
    is_off = off
    was_off ||= off
    if (!off) await placeMore()
  }
  for (let round = 0; passed_ms() < STORM_MS || is_off || round < ROUNDS_MIN; round++) {
    await Promise.all([shop.control.setFaults(weather(round)), other.control.setFaults(weather(round + 1))])
    // However slow the rounds are: each happens once.
    if (!was_off && passed_ms() >= OFF.from_ms) await switchTo(true)
    else if (is_off && passed_ms() >= OFF.to_ms) await switchTo(false)
    await workRound()
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
}

/** There was a storm, orders went on to the other provider, and the rest was met at the desk. */
async function expectStormy(shop: Shop, other: OtherProvider, desk: Desk): Promise<void> {
  for (const { control } of [shop, other]) {
    const { orders_accepted, orders_unanswered, faults_fired } = await control.summary()
    const about = JSON.stringify({ orders_accepted, orders_unanswered, faults_fired })
    expect(orders_accepted, about).toBeGreaterThan(0)
    expect(orders_unanswered, about).toBeGreaterThan(0)
  }
  const moved = await shop.app.db.query<{ code: string; from: string; n: bigint }>(
    `select data ->> 'code' as code, data -> 'from' ->> 'provider_id' as from, count(*) as n from orders.order_event
     where kind = 'rerouted' group by 1, 2`,
  )
  const refused = moved.filter(({ code }) => code === 'invalid_key' || code === 'insufficient_provider_balance')
  expect(refused.length).toBeGreaterThan(0)
  expect(desk.placed).toBeGreaterThan(0)
  expect(desk.resent).toBeGreaterThan(0)
}

interface Funded {
  id: bigint
  funds: bigint
}

function openCustomers(shop: Shop): Promise<Funded[]> {
  return Promise.all(
    Array.from({ length: CUSTOMERS }, async () => {
      const { id } = await shop.customer(String(FUNDS))
      return { id, funds: BigInt(FUNDS) * 1_000_000n }
    }),
  )
}

async function placeSome(shop: Shop, customers: readonly Funded[], n: number): Promise<void> {
  for (let at = 0; at < n; at += 1_000) {
    const inputs = Array.from({ length: Math.min(1_000, n - at) }, (_, i) =>
      anOrder(shop, customers[i % CUSTOMERS]?.id as bigint),
    )
    const outcomes = await placeOrders(shop.app, inputs)
    expect(outcomes.every((outcome) => outcome.ok)).toBe(true)
  }
}

/** Those that never end by themselves. */
async function endAll(control: Shop['control']): Promise<void> {
  for (const order of await control.allOrders()) {
    if (!['Completed', 'Partial', 'Canceled'].includes(order.status))
      await control.finish(order.id, { status: 'Completed' })
  }
}
