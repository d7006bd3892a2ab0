import { describe, expect, test } from 'vitest'
import { pauseProvider } from '#server/domains/providers/pause-provider.ts'
import { findProvider } from '#server/domains/providers/queries.ts'
import { resumeProvider } from '#server/domains/providers/resume-provider.ts'
import { providerStandings } from '#server/domains/providers/standings.ts'
import type { Clock } from '#server/kit/clock.ts'
import { formatAmount, parseAmount } from '#server/kit/money.ts'
import type { Db } from '#server/platform/db/database.ts'
import { expectSound, orderNow, placed } from '#test/support/order-book.ts'
import { openShop, type ShopOptions } from '#test/support/shop.ts'
import type { Order } from '../order.ts'
import { dispatchOrders, newLane } from './dispatch-orders.ts'
import { type Placement, recordPlacements } from './record-placements.ts'

async function setup(options: ShopOptions = {}) {
  const shop = await openShop({ ...options, provider: { timeout_ms: 1_000, concurrency: 8, ...options.provider } })
  const { id: customer } = await shop.customer('1000')
  const lane = newLane(shop.provider_id, () => {})
  const recorded: Promise<void>[] = []
  const record = (placement: Placement) => {
    const done = recordPlacements(shop.app, [placement])
    recorded.push(done)
    return done
  }
  /** One pass, and its answers. */
  const dispatch = async (app = shop.app) => {
    const more = await dispatchOrders(app, shop.providers, lane, record)
    await expect.poll(() => lane.in_flight, { interval: 5, timeout: 10_000 }).toBe(0)
    await Promise.all(recorded)
    return more
  }
  const states = async (orders: readonly Order[]) =>
    (await Promise.all(orders.map(async ({ id }) => (await orderNow(shop, id)).state))).sort()
  const sent = async () => (await shop.control.summary()).requests.add ?? 0
  return { shop, app: shop.app, customer, lane, dispatch, states, sent, record }
}

test('queued orders are sent, each once, and the provider knows them by their links', async () => {
  const { shop, customer, dispatch, states, sent } = await setup()
  const orders = await placed(shop, customer, 12)
  expect(await dispatch()).toBe(true)
  expect(await dispatch()).toBe(false)
  expect(await states(orders)).toEqual(orders.map(() => 'pending'))
  expect(await sent()).toBe(12)
  const at_provider = await shop.control.allOrders()
  expect(at_provider.map((order) => order.link).sort()).toEqual(orders.map((order) => order.link).sort())
  const { balance } = await shop.control.summary()
  expect(await shop.prepaid()).toBe(parseAmount(balance, 6))
  await expectSound(shop.app)
})

test('no more are under way than twice the lines to the provider', async () => {
  const { shop, app, customer, lane, record } = await setup()
  await placed(shop, customer, 40)
  await shop.control.setFaults({ delay: { probability: 1, ms: 200, actions: ['add'] } })
  expect(await dispatchOrders(app, shop.providers, lane, record)).toBe(true)
  expect(lane.in_flight).toBe(16)
  expect(await dispatchOrders(app, shop.providers, lane, record)).toBe(false)
  expect(lane.in_flight).toBe(16)
  await expect.poll(() => lane.in_flight, { timeout: 5_000 }).toBe(0)
})

describe('the balance', () => {
  test('too small for an order: it fails for staff and nothing is sent', async () => {
    const { shop, customer, dispatch, sent } = await setup()
    const [order] = (await placed(shop, customer)) as [Order]
    await shop.control.setBalance(formatAmount(order.expected_cost - 1n, 6))
    await dispatch()
    expect(await orderNow(shop, order.id)).toMatchObject({ state: 'failed', balance_check_status: 'insufficient' })
    expect(await sent()).toBe(0)
    expect((await shop.wallet(customer)).held).toBe(order.charge)
  })

  test('just enough for some: those go, the others wait until it is read again', async () => {
    const { shop, customer, dispatch, states, sent } = await setup()
    const orders = await placed(shop, customer, 4)
    await shop.control.setBalance(formatAmount(2n * (orders[0] as Order).expected_cost, 6))
    await dispatch()
    expect(await states(orders)).toEqual(['pending', 'pending', 'queued', 'queued'])
    await dispatch()
    expect(await sent()).toBe(2)
  })

  test('that cannot be read stops nothing for good: orders stay queued and the provider is left alone for a while', async () => {
    const { shop, app, customer, lane, dispatch, states, sent } = await setup()
    const orders = await placed(shop, customer, 2)
    await shop.control.setFaults({ wrong_key: { probability: 1, actions: ['balance'] } })
    const standings = await providerStandings(app)
    expect(standings.get(shop.provider_id)).toMatchObject({ enabled: true, paused_until: null })
    expect(await providerStandings(app)).toBe(standings)
    expect(await dispatch()).toBe(false)
    // Whoever chooses a source in this process knows at once.
    expect((await providerStandings(app)).get(shop.provider_id)?.paused_until).not.toBeNull()
    expect(await states(orders)).toEqual(['queued', 'queued'])
    expect(await sent()).toBe(0)
    expect(await findProvider(app.db, shop.provider_id)).toMatchObject({
      balance_status: 'invalid_key',
      pause_reason: 'balance_check_failed: invalid_key',
    })
    expect(lane.paused_until_ms).toBeGreaterThan(app.clock.monotonic_ms())
  })
})

describe('a provider that wants fewer calls', () => {
  test('is left alone, longer each time, until it takes an order again; no order is lost', async () => {
    const { shop, app, customer, lane, dispatch, states } = await setup()
    const orders = await placed(shop, customer, 3)
    await shop.control.setFaults({ rate_limit: { probability: 1, actions: ['add'] } })
    for (const pauses of [1, 2, 3]) {
      await dispatch()
      expect(lane.pauses).toBe(pauses)
      const rest_ms = lane.paused_until_ms - app.clock.monotonic_ms()
      expect(rest_ms).toBeGreaterThan(0)
      expect(rest_ms).toBeLessThan(500 * 2 ** (pauses - 1))
      expect(await dispatch()).toBe(false)
      lane.paused_until_ms = 0
      await app.db.transaction((tx) => resumeProvider(tx, shop.provider_id))
    }
    expect(await states(orders)).toEqual(['queued', 'queued', 'queued'])
    expect(await orderNow(shop, (orders[0] as Order).id)).toMatchObject({ reason: 'rate_limited', attempts: 3 })
    await shop.control.setFaults({})
    // After a pause one goes ahead alone.
    await dispatch()
    expect(await states(orders)).toEqual(['pending', 'queued', 'queued'])
    expect(lane.pauses).toBe(0)
    await dispatch()
    expect(await states(orders)).toEqual(['pending', 'pending', 'pending'])
    await expectSound(app)
  })

  test('and one that is paused by staff or another worker gets nothing', async () => {
    const { shop, app, customer, dispatch, states, sent } = await setup()
    const orders = await placed(shop, customer)
    const pause = { provider_id: shop.provider_id, until: new Date(Date.now() + 60_000), reason: 'staff' }
    await app.db.transaction((tx) => pauseProvider(tx, pause))
    expect(await dispatch()).toBe(false)
    expect(await states(orders)).toEqual(['queued'])
    expect(await sent()).toBe(0)
  })
})

test('a claim that took too long to commit is not sent: its lease might be over first', async () => {
  const { shop, app, customer, dispatch, states, sent } = await setup()
  const orders = await placed(shop, customer)
  // The claim commits, and ten seconds later it is known to have.
  let later_ms = 0
  const clock: Clock = { now: () => new Date(), monotonic_ms: () => performance.now() + later_ms }
  const transaction: Db['transaction'] = async (work) => {
    const result = await app.db.transaction(work)
    later_ms = 10_000
    return result
  }
  await dispatch({ ...app, clock, db: { ...app.db, transaction } })
  expect(await sent()).toBe(0)
  expect(await states(orders)).toEqual(['queued'])
})
