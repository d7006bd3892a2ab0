import { expect, test } from 'vitest'
import { SYSTEM } from '#server/domains/audit/act.ts'
import { createApiKey } from '#server/domains/identity/keys/create-api-key.ts'
import { revokeApiKey } from '#server/domains/identity/keys/revoke-api-key.ts'
import { rotateApiKey } from '#server/domains/identity/keys/rotate-api-key.ts'
import type { Db } from '#server/platform/db/database.ts'
import { actsIn } from '#test/support/acts.ts'
import { atBarrier } from '#test/support/barrier.ts'
import { anOrder, claim, dripFed, ended, expectSound, NOT_SENT, orderNow, told } from '#test/support/order-book.ts'
import { openShop, type Shop } from '#test/support/shop.ts'
import { cancelOrders } from '../cancelling/cancel-orders.ts'
import { recordPlacements } from '../dispatching/record-placements.ts'
import { recordStatuses } from '../following/record-statuses.ts'
import { setLimits } from '../limits/set-limits.ts'
import { type PlaceOutcome, placeOrders } from '../placing/place-orders.ts'
import { verifyOrders } from '../verify-orders.ts'
import { readQuota } from './read-quota.ts'
import { type SetQuota, setQuota } from './set-quota.ts'

type Key = { key_id: bigint; first_key_id: bigint }

async function setup() {
  const shop = await openShop()
  const { id: user_id } = await shop.customer('100')
  const { api_key } = await createApiKey(shop.app, { user_id, name: 'shop' })
  const key: Key = { key_id: api_key.id, first_key_id: api_key.id }
  const quota = (maxima: Pick<SetQuota, 'orders_max' | 'spend_max'>, of: SetQuota['of'] = 'own', key_id = key.key_id) =>
    setQuota(shop.app, { user_id, key_id, of, by: SYSTEM, ...maxima })
  const place = (n = 1, changes = {}, by: Partial<Key> = key) =>
    placeOrders(
      shop.app,
      Array.from({ length: n }, () => anOrder(shop, user_id, { ...by, ...changes })),
    )
  const used = async (key_id = key.key_id) => {
    const { orders, spent } = await readQuota(shop.app, user_id, key_id)
    return { orders, spent }
  }
  const [free] = await place(1, {}, {})
  const charge = free?.ok ? free.charge : 0n
  return { shop, user_id, key, quota, place, used, charge }
}

const codes = (outcomes: PlaceOutcome[]) => outcomes.map((each) => (each.ok ? 'placed' : each.refusal.code))
const idOf = (outcome: PlaceOutcome | undefined) => (outcome?.ok ? outcome.order_id : 0n)

/** A day goes by for all that is stored. */
async function aDayLater({ app }: Shop): Promise<void> {
  await app.db.query(
    `update orders.key_quota set day_began = day_began - interval '1 day', day_ends = day_ends - interval '1 day'`,
  )
  await app.db.query(`update orders.orders set placed_at = placed_at - interval '1 day'`)
}

/** No provider has it, and it is cancelled. */
async function cancel({ app }: Shop, order_id: bigint): Promise<void> {
  expect(await cancelOrders(app, [order_id], { staff: SYSTEM })).toMatchObject([{ ok: true, how: 'cancelled' }])
}

test('no more orders are placed with a key in a day than its quota, and the next day begins anew', async () => {
  const { shop, quota, place, used, charge } = await setup()
  await quota({ orders_max: 2 })
  const outcomes = await place(3)
  expect(codes(outcomes)).toEqual(['placed', 'placed', 'quota_exceeded'])
  expect(outcomes[2]).toMatchObject({ refusal: { quota: 'orders_per_day', allowance: { limit: '2', left: '0' } } })
  expect(codes(await place())).toEqual(['quota_exceeded'])
  expect(await used()).toEqual({ orders: 2, spent: 2n * charge })
  await aDayLater(shop)
  expect(await used()).toEqual({ orders: 0, spent: 0n })
  expect(codes(await place(3))).toEqual(['placed', 'placed', 'quota_exceeded'])
  await expectSound(shop.app)
})

test('no more is spent with a key in a day than its quota', async () => {
  const { shop, quota, place, charge } = await setup()
  await quota({ spend_max: 2n * charge + charge / 2n })
  const outcomes = await place(3)
  expect(codes(outcomes)).toEqual(['placed', 'placed', 'quota_exceeded'])
  expect(outcomes[2]).toMatchObject({ refusal: { quota: 'spend_per_day' } })
  await expectSound(shop.app)
})

test('orders of other keys and of sessions do not count, and are not held up', async () => {
  const { shop, user_id, quota, place, used } = await setup()
  const { api_key: other } = await createApiKey(shop.app, { user_id, name: 'other' })
  await quota({ orders_max: 1 })
  expect(codes(await place())).toEqual(['placed'])
  expect(codes(await place(2, {}, { key_id: other.id, first_key_id: other.id }))).toEqual(['placed', 'placed'])
  expect(codes(await place(2, {}, {}))).toEqual(['placed', 'placed'])
  expect((await used()).orders).toBe(1)
  expect((await used(other.id)).orders).toBe(2)
  await expectSound(shop.app)
})

test('of what the owner set and what staff set the stricter holds', async () => {
  const { quota, place } = await setup()
  await quota({ orders_max: 2 })
  await quota({ orders_max: 5 }, 'staff')
  expect(codes(await place(3))).toEqual(['placed', 'placed', 'quota_exceeded'])
  await quota({ orders_max: 9 })
  expect(codes(await place(4))).toEqual(['placed', 'placed', 'placed', 'quota_exceeded'])
  await quota({ orders_max: null }, 'staff')
  expect(codes(await place(1))).toEqual(['placed'])
})

test('each run of a drip-feed is one, and they are placed all or none', async () => {
  const { shop, quota, place, used } = await setup()
  const in_runs = { service_id: dripFed(shop).id, quantity: '100', runs: '3', interval: '5' }
  await quota({ orders_max: 5 })
  expect(codes(await place(1, in_runs))).toEqual(['placed'])
  expect(codes(await place(1, in_runs))).toEqual(['quota_exceeded'])
  expect((await used()).orders).toBe(3)
  expect(codes(await place(3))).toEqual(['placed', 'placed', 'quota_exceeded'])
  const rows = await shop.app.db.query('select 1 from orders.orders where drip_feed_id is not null and key_id is null')
  expect(rows).toEqual([])
  await expectSound(shop.app)
})

test('what is cancelled on the day of its order may be ordered again, what is cancelled later may not', async () => {
  const { shop, quota, place, used, charge } = await setup()
  await quota({ orders_max: 1, spend_max: charge })
  const [one] = await place()
  expect(codes(await place())).toEqual(['quota_exceeded'])
  await cancel(shop, idOf(one))
  expect(await used()).toEqual({ orders: 0, spent: 0n })
  const [two] = await place()
  expect(two).toMatchObject({ ok: true })
  await aDayLater(shop)
  expect(codes(await place(2))).toEqual(['placed', 'quota_exceeded'])
  await cancel(shop, idOf(two))
  expect(codes(await place())).toEqual(['quota_exceeded'])
  await expectSound(shop.app)
})

test('an order that ends partial gives back what was not delivered, and stays an order', async () => {
  const { shop, user_id, key, quota, place, used } = await setup()
  await quota({ orders_max: 10 })
  await claim(shop)
  const order = await dispatchedWith(shop, user_id, key)
  await recordStatuses(shop.app, [{ order_id: order.id, row: told('partial', { remains: order.quantity / 2n }) }])
  const { captured, state } = await orderNow(shop, order.id)
  expect(state).toBe('partial')
  expect(await used()).toEqual({ orders: 1, spent: captured })
  expect(codes(await place())).toEqual(['placed'])
  await expectSound(shop.app)
})

/** An order of the key, at its provider. */
async function dispatchedWith(shop: Shop, user_id: bigint, key: Key) {
  const [outcome] = await placeOrders(shop.app, [anOrder(shop, user_id, key)])
  const { claimed } = await claim(shop)
  await recordPlacements(
    shop.app,
    claimed.map((each) =>
      ended(
        each,
        each.id === idOf(outcome)
          ? { outcome: 'accepted', provider_order_id: `p${each.id}`, charge: undefined }
          : NOT_SENT,
      ),
    ),
  )
  return orderNow(shop, idOf(outcome))
}

test('a quota that is set counts what was ordered with the key today; without one nothing is kept', async () => {
  const { shop, quota, place, used, charge } = await setup()
  await place(3)
  await quota({ orders_max: 3 })
  expect(await used()).toEqual({ orders: 3, spent: 3n * charge })
  expect(codes(await place())).toEqual(['quota_exceeded'])
  await quota({ orders_max: null })
  expect(await quotaRows(shop.app.db)).toEqual([])
  expect(codes(await place(2))).toEqual(['placed', 'placed'])
  await quota({ orders_max: 6 })
  expect(codes(await place(2))).toEqual(['placed', 'quota_exceeded'])
  await expectSound(shop.app)
})

const quotaRows = (db: Pick<Db, 'query'>) => db.query('select key_id from orders.key_quota')

test('a key that takes the place of another has its quota, and both share what is left of the day', async () => {
  const { shop, user_id, key, quota, place, used } = await setup()
  await quota({ orders_max: 4 })
  await place(2)
  const turn = async (key_id: bigint) => (await rotateApiKey(shop.app, { user_id, key_id, by: SYSTEM })).api_key.id
  const second = await turn(key.key_id)
  const third = await turn(second)
  const by = { key_id: third, first_key_id: key.key_id }
  expect(await used(third)).toMatchObject({ orders: 2 })
  const [one] = await place(1, {}, by)
  expect(codes(await place(2))).toEqual(['placed', 'quota_exceeded'])
  expect(codes(await place(1, {}, by))).toEqual(['quota_exceeded'])
  await cancel(shop, idOf(one))
  expect(await used(third)).toMatchObject({ orders: 3 })
  await quota({ orders_max: 3 }, 'own', third)
  expect(await used()).toMatchObject({ orders: 3 })
  expect(codes(await place())).toEqual(['quota_exceeded'])
  await expectSound(shop.app)
})

test('batches at once do not order more than the quota together', async () => {
  const { shop, quota, place, used, charge } = await setup()
  await quota({ orders_max: 5 })
  const race = (size: number, callers: number) =>
    atBarrier(
      shop.app.db,
      (tx) => tx.query('select from ledger.balance for update'),
      Array.from({ length: callers }, () => () => place(size)),
    )
  const all = await race(3, 4)
  expect(codes(all.flat()).filter((code) => code === 'placed')).toHaveLength(5)
  await quota({ orders_max: 100, spend_max: 7n * charge })
  const more = await race(2, 3)
  expect(codes(more.flat()).filter((code) => code === 'placed')).toHaveLength(2)
  expect(await used()).toEqual({ orders: 7, spent: 7n * charge })
  await expectSound(shop.app)
})

test('a quota that is set and taken away while batches are under way misses none of their orders', async () => {
  const { shop, quota, place, used, charge } = await setup()
  const batches = Array.from({ length: 6 }, () => place(5))
  await quota({ orders_max: 1_000 })
  const more = Array.from({ length: 3 }, () => place(2))
  await quota({ orders_max: null })
  await quota({ orders_max: 900 })
  await Promise.all([...batches, ...more, place(5)])
  expect(await used()).toEqual({ orders: 41, spent: 41n * charge })
  await expectSound(shop.app)
})

test('a request repeated under its key gets its order and is not counted again', async () => {
  const { quota, place, used } = await setup()
  await quota({ orders_max: 1 })
  const again = await place(1, { request_key: 'k', link: 'https://example.com/k' })
  const both = await Promise.all([1, 2].map(() => place(2, { request_key: 'k', link: 'https://example.com/k' })))
  for (const outcome of both.flat()) expect(outcome).toEqual({ ...again[0], replayed: true })
  expect((await used()).orders).toBe(1)
  expect(codes(await place(1, { request_key: 'other' }))).toEqual(['quota_exceeded'])
})

test('the customer’s own limit and the key’s quota hold side by side', async () => {
  const { shop, user_id, quota, place, used } = await setup()
  await quota({ orders_max: 3 })
  await setLimits(shop.app, { customer_id: user_id, in_flight_max: 3, by: SYSTEM, reason: 'test' })
  // One of the three under way was placed without the key.
  expect(codes(await place(3))).toEqual(['placed', 'placed', 'too_many_orders_in_flight'])
  expect((await used()).orders).toBe(2)
  await setLimits(shop.app, { customer_id: user_id, in_flight_max: null, by: SYSTEM, reason: 'test' })
  expect(codes(await place(2))).toEqual(['placed', 'quota_exceeded'])
  await expectSound(shop.app)
})

test('an order that the balance does not cover uses nothing of the quota', async () => {
  const { shop, quota, used } = await setup()
  const { id: poor } = await shop.customer('0')
  const { api_key } = await createApiKey(shop.app, { user_id: poor, name: 'shop' })
  await setQuota(shop.app, { user_id: poor, key_id: api_key.id, of: 'own', orders_max: 5, by: SYSTEM })
  await quota({ orders_max: 5 })
  const input = anOrder(shop, poor, { key_id: api_key.id, first_key_id: api_key.id })
  expect(codes(await placeOrders(shop.app, [input]))).toEqual(['insufficient_funds'])
  expect((await readQuota(shop.app, poor, api_key.id)).orders).toBe(0)
  expect((await used()).orders).toBe(0)
})

test('a wrong count is found by the proof', async () => {
  const { shop, key, quota, place } = await setup()
  await quota({ orders_max: 5 })
  await place(2)
  await expectSound(shop.app)
  await shop.app.db.query('update orders.key_quota set orders = 1 where key_id = $1', [key.key_id])
  const { problems } = await verifyOrders(shop.app.db)
  expect(problems).toMatchObject([{ check: 'quotas', what: expect.stringContaining('counts 1 orders') }])
})

test('a change is in the audit with what stood before; setting what stands writes nothing, and nobody sets another’s', async () => {
  const { shop, user_id, key, quota } = await setup()
  await quota({ orders_max: 4 })
  await quota({ orders_max: 4 })
  await quota({ spend_max: 1_500_000n }, 'staff')
  const acts = await actsIn(shop.app.db, 'api-keys.quota-changed')
  const none = { own_orders_max: null, own_spend_max: null, staff_orders_max: null, staff_spend_max: null }
  const four = { ...none, own_orders_max: 4 }
  expect(acts).toMatchObject([
    { before: none, after: four },
    { before: four, after: { ...four, staff_spend_max: '1.50' } },
  ])
  const { id: other } = await shop.customer('1')
  const set = (input: { user_id: bigint; key_id: bigint }) =>
    setQuota(shop.app, { ...input, of: 'own', orders_max: 1, by: SYSTEM })
  const refused = { code: 'api_key_not_found' }
  await expect(set({ user_id: other, key_id: key.key_id })).rejects.toMatchObject(refused)
  await expect(readQuota(shop.app, other, key.key_id)).rejects.toMatchObject(refused)
  await revokeApiKey(shop.app, { user_id, key_id: key.key_id })
  await expect(set({ user_id, key_id: key.key_id })).rejects.toMatchObject(refused)
})
