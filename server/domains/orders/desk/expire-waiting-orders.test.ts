import { expect, test } from 'vitest'
import { ServiceNotFoundError } from '#server/domains/catalog/errors.ts'
import { present } from '#server/kit/invariant.ts'
import { actsIn } from '#test/support/acts.ts'
import {
  acceptedAs,
  claim,
  dispatched,
  ended,
  expectSound,
  orderNow,
  placed,
  REFUSED,
  TIMED_OUT,
  told,
} from '#test/support/order-book.ts'
import { putSetting } from '#test/support/settings.ts'
import { openShop, type Shop } from '#test/support/shop.ts'
import { recordPlacements } from '../dispatching/record-placements.ts'
import { recordStatuses } from '../following/record-statuses.ts'
import type { Order } from '../order.ts'
import { historyOf } from '../queries.ts'
import { setWaitLimit } from '../waiting/set-wait-limit.ts'
import { expireWaitingOrders } from './expire-waiting-orders.ts'
import { resubmitOrders } from './resubmit-orders.ts'
import { waitHoursMax } from './settings.ts'

const HOURS = 3_600_000

async function setup() {
  const shop = await openShop()
  const { id: customer } = await shop.customer()
  /** What the scheduler would do, this many hours later. */
  const after = (hours: number) => {
    const clock = { ...shop.app.clock, now: () => new Date(Date.now() + hours * HOURS) }
    return expireWaitingOrders({ ...shop.app, clock })
  }
  return { shop, app: shop.app, customer, after, held: async () => (await shop.wallet(customer)).held }
}

const resubmit = (shop: Shop, id: bigint) => resubmitOrders(shop.app, shop.providers, [id], { kind: 'system' })

test('failed, unknown and queued orders are given up when their time is over, not before, and all money goes back', async () => {
  const { shop, app, customer, after, held } = await setup()
  const before = await shop.wallet(customer)
  const orders = [
    await dispatched(shop, customer, REFUSED),
    await dispatched(shop, customer, TIMED_OUT),
    ...(await placed(shop, customer)),
  ]
  expect(await after(71.9)).toBe(0)
  expect(await held()).toBeGreaterThan(0n)
  expect(await after(72.1)).toBe(3)
  for (const { id } of orders) {
    expect(await orderNow(shop, id)).toMatchObject({ state: 'cancelled', waiting_since: null })
    expect((await historyOf(app.db, id)).at(-1)).toMatchObject({ kind: 'settled', data: { waited_hours: 72 } })
  }
  expect(await shop.wallet(customer)).toEqual(before)
  expect(await after(200)).toBe(0)
  await expectSound(app)
})

test('what is at a provider, being sent, or ended is left alone however old it is', async () => {
  const { shop, app, customer, after } = await setup()
  const open = await dispatched(shop, customer)
  const done = await dispatched(shop, customer)
  await recordStatuses(app, [{ order_id: done.id, row: told('completed', { charge: done.expected_cost }) }])
  await placed(shop, customer)
  const [sending] = (await claim(shop)).claimed
  expect(await after(1_000)).toBe(0)
  expect((await orderNow(shop, open.id)).state).toBe('pending')
  expect((await orderNow(shop, sending?.id as bigint)).state).toBe('dispatching')
  await expectSound(app)
})

test('sending it again does not begin the time anew; being taken by a provider does', async () => {
  const { shop, app, customer, after } = await setup()
  const again = await dispatched(shop, customer, REFUSED)
  const taken = await dispatched(shop, customer, REFUSED)
  const { waiting_since } = await orderNow(shop, again.id)
  expect(await resubmit(shop, again.id)).toEqual([{ ok: true }])
  expect((await orderNow(shop, again.id)).waiting_since).toEqual(waiting_since)
  await resubmit(shop, taken.id)
  const sent = (await claim(shop)).claimed
  await recordPlacements(app, [
    ...sent.filter(({ id }) => id === again.id).map((order) => ended(order, REFUSED)),
    ...sent.filter(({ id }) => id === taken.id).map((order) => ended(order, acceptedAs('p-taken'))),
  ])
  expect((await orderNow(shop, taken.id)).waiting_since).toBeNull()
  await recordStatuses(app, [{ order_id: taken.id, row: told('failed') }])
  const since = (await orderNow(shop, taken.id)).waiting_since as Date
  expect(since.getTime()).toBeGreaterThan((waiting_since as Date).getTime())
  await app.db.query(`update orders.orders set waiting_since = waiting_since - interval '71 hours' where id = $1`, [
    again.id,
  ])
  expect(await after(1.1)).toBe(1)
  expect((await orderNow(shop, again.id)).state).toBe('cancelled')
  expect((await orderNow(shop, taken.id)).state).toBe('failed')
  await expectSound(app)
})

test('the setting says how long', async () => {
  const { shop, customer, after } = await setup()
  await dispatched(shop, customer, REFUSED)
  await putSetting(shop.app.db, waitHoursMax, 2)
  await expect.poll(() => shop.app.settings.read(waitHoursMax), { timeout: 10_000 }).toBe(2)
  expect(await after(1.9)).toBe(0)
  expect(await after(2.1)).toBe(1)
})

test('a service has a limit of its own, shorter or longer, until it is taken back', async () => {
  const { shop, app, customer, after } = await setup()
  const { id, service_id } = await dispatched(shop, customer, REFUSED)
  const other = present(
    shop.services.find((each) => each.type === 'Default' && each.id !== service_id),
    'another service',
  )
  const [neighbour] = (await placed(shop, customer, 1, { service_id: other.id, quantity: String(other.min) })) as [
    Order,
  ]
  const limit = (hours: number | null, of = service_id) =>
    setWaitLimit(app, of, hours, { actor: { kind: 'user', user_id: 5n }, reason: 'Photos wait long.' })
  await limit(100)
  expect(await after(73)).toBe(1)
  expect((await orderNow(shop, neighbour.id)).state).toBe('cancelled')
  await Promise.all([limit(2), limit(2)])
  await limit(200, other.id)
  expect(await after(1.9)).toBe(0)
  expect(await after(2.1)).toBe(1)
  expect((await historyOf(app.db, id)).at(-1)).toMatchObject({ data: { waited_hours: 2 } })
  const again = await dispatched(shop, customer, REFUSED)
  await limit(null)
  expect(await after(71)).toBe(0)
  expect((await orderNow(shop, again.id)).state).toBe('failed')
  const acts = await actsIn(app.db, 'orders.wait_limit_set')
  expect(acts.map(({ before, after: to }) => [before, to])).toEqual([
    [{ hours: null }, { hours: 100 }],
    [{ hours: 100 }, { hours: 2 }],
    [{ hours: null }, { hours: 200 }],
    [{ hours: 2 }, { hours: null }],
  ])
  await expect(limit(5, 999_999n)).rejects.toThrow(ServiceNotFoundError)
  await expectSound(app)
})

test('many at once, twice at once, beside staff who save one: each order ends once', async () => {
  const { shop, app, customer, after } = await setup()
  const orders = []
  for (let i = 0; i < 5; i++) orders.push(await dispatched(shop, customer, REFUSED))
  const saved = orders[0]?.id as bigint
  await Promise.all([after(73), resubmit(shop, saved), after(73)])
  const states = await Promise.all(orders.map(async ({ id }) => (await orderNow(shop, id)).state))
  expect(['queued', 'cancelled']).toContain(states[0])
  expect(states.slice(1)).toEqual(['cancelled', 'cancelled', 'cancelled', 'cancelled'])
  await expectSound(app)
})

test('an answer that comes when all is over books its cost, and gives the customer nothing twice', async () => {
  const { shop, app, customer, after, held } = await setup()
  const order = await dispatched(shop, customer, TIMED_OUT)
  expect(await after(73)).toBe(1)
  await recordPlacements(app, [ended(order, acceptedAs('p-late', order.expected_cost))])
  const now = await orderNow(shop, order.id)
  expect(now).toMatchObject({ state: 'cancelled', captured: 0n, booked_cost: order.expected_cost })
  expect(now.sunk_cost).toBe(order.expected_cost)
  expect(await held()).toBe(0n)
  await expectSound(app)
})
