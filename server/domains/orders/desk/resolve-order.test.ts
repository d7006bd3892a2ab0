import { describe, expect, test } from 'vitest'
import { actsIn } from '#test/support/acts.ts'
import { atBarrier } from '#test/support/barrier.ts'
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
import { openShop, type Shop } from '#test/support/shop.ts'
import { recordPlacements } from '../dispatching/record-placements.ts'
import { recordStatuses } from '../following/record-statuses.ts'
import type { Order } from '../order.ts'
import { historyOf } from '../queries.ts'
import { type Resolution, resolveOrder } from './resolve-order.ts'

async function setup() {
  const shop = await openShop()
  const { id } = await shop.customer()
  const opening = await shop.prepaid()
  const resolve = (order: Order, resolution: Resolution) =>
    resolveOrder(shop.app, order.id, resolution, { kind: 'user', user_id: 5n })
  return { shop, app: shop.app, customer: id, opening, resolve }
}

const lastStep = async (shop: Shop, order: Order) => (await historyOf(shop.app.db, order.id)).at(-1)

test('placed: the order goes on under the number found, and its cost is booked', async () => {
  const { shop, customer, opening, resolve } = await setup()
  const order = await dispatched(shop, customer, TIMED_OUT)
  expect(await resolve(order, { kind: 'placed', provider_order_id: '77' })).toEqual({ ok: true, state: 'pending' })
  const now = await orderNow(shop, order.id)
  expect(now).toMatchObject({
    state: 'pending',
    reason: null,
    provider_order_id: '77',
    booked_cost: order.expected_cost,
  })
  expect(now.next_check_at).not.toBeNull()
  expect(await shop.prepaid()).toBe(opening - order.expected_cost)
  expect(await lastStep(shop, order)).toMatchObject({ kind: 'accepted', actor: 'staff:5', data: { resolved: true } })
  expect(await actsIn(shop.app.db, 'orders.')).toMatchObject([
    {
      action: 'orders.resolved',
      user_id: 5n,
      subject_kind: 'order',
      subject_id: String(order.id),
      before: { state: 'unknown', reason: order.reason, provider_order_id: null },
      after: { resolution: 'placed', state: 'pending', provider_order_id: '77' },
    },
  ])
  await expectSound(shop.app)
})

test('resend: the order is queued again, and counted', async () => {
  const { shop, customer, resolve } = await setup()
  const order = await dispatched(shop, customer, TIMED_OUT)
  expect(await resolve(order, { kind: 'resend' })).toEqual({ ok: true, state: 'queued' })
  const now = await orderNow(shop, order.id)
  expect(now).toMatchObject({ state: 'queued', reason: null, attempt: null, resubmits: 1, attempts: 1 })
  expect(now.last_resubmit_at).not.toBeNull()
  expect((await claim(shop)).claimed.map(({ id }) => id)).toEqual([order.id])
  expect(await lastStep(shop, order)).toMatchObject({ kind: 'sent' })
  await expectSound(shop.app)
})

test('refund: the customer has all of it back', async () => {
  const { shop, customer, opening, resolve } = await setup()
  const order = await dispatched(shop, customer, TIMED_OUT)
  expect(await resolve(order, { kind: 'refund' })).toEqual({ ok: true, state: 'cancelled' })
  expect(await shop.wallet(customer)).toEqual({ posted: 100_000_000n, held: 0n })
  expect(await orderNow(shop, order.id)).toMatchObject({
    state: 'cancelled',
    released: order.charge,
    next_check_at: null,
  })
  expect(await shop.prepaid()).toBe(opening)
  await expectSound(shop.app)
})

describe('an order that its provider called failed', () => {
  async function providerFailed(charge?: bigint) {
    const bundle = await setup()
    const order = await dispatched(bundle.shop, bundle.customer, acceptedAs('77', 100n))
    await recordStatuses(bundle.app, [{ order_id: order.id, row: told('failed', { charge }) }])
    return { ...bundle, order: await orderNow(bundle.shop, order.id) }
  }

  test('and that goes on there after all is not paid again', async () => {
    const { shop, order, opening, resolve } = await providerFailed()
    await resolve(order, { kind: 'placed', provider_order_id: '77' })
    expect(await orderNow(shop, order.id)).toMatchObject({ state: 'pending', booked_cost: 100n, sunk_cost: 0n })
    expect(await shop.prepaid()).toBe(opening - 100n)
    await expectSound(shop.app)
  })

  test('and that is sent again costs both placements, each as its provider says', async () => {
    const { shop, app, order, opening, resolve } = await providerFailed(30n)
    expect(order).toMatchObject({ state: 'failed', booked_cost: 30n })
    await resolve(order, { kind: 'resend' })
    const [again] = (await claim(shop)).claimed as [Order]
    await recordPlacements(app, [ended(again, acceptedAs('78', 100n))])
    expect(await orderNow(shop, order.id)).toMatchObject({ provider_order_id: '78', booked_cost: 130n, sunk_cost: 30n })
    await recordStatuses(app, [{ order_id: order.id, row: told('completed', { charge: 90n }) }])
    expect(await orderNow(shop, order.id)).toMatchObject({ state: 'completed', booked_cost: 120n, sunk_cost: 30n })
    expect(await shop.prepaid()).toBe(opening - 120n)
    await expectSound(app)
  })

  test('and that was placed anew by hand costs both placements', async () => {
    const { shop, order, opening, resolve } = await providerFailed(30n)
    await resolve(order, { kind: 'placed', provider_order_id: '78' })
    expect(await shop.prepaid()).toBe(opening - 30n - order.expected_cost)
    await expectSound(shop.app)
  })

  test('and that is refunded is asked about until the provider tells what it keeps', async () => {
    const { shop, app, order, opening, resolve } = await providerFailed()
    await resolve(order, { kind: 'refund' })
    expect((await orderNow(shop, order.id)).next_check_at).not.toBeNull()
    await recordStatuses(app, [{ order_id: order.id, row: told('failed', { charge: 0n }) }])
    expect(await orderNow(shop, order.id)).toMatchObject({ state: 'cancelled', booked_cost: 0n, next_check_at: null })
    expect(await shop.prepaid()).toBe(opening)
    await expectSound(app)
  })
})

describe('refusals', () => {
  test('an order that nobody knows, and one that does not wait', async () => {
    const { shop, app, customer, resolve } = await setup()
    expect(await resolveOrder(app, 999_999n, { kind: 'refund' }, { kind: 'user', user_id: 5n })).toMatchObject({
      code: 'order_not_found',
    })
    const [queued] = (await placed(shop, customer)) as [Order]
    expect(await resolve(queued, { kind: 'refund' })).toMatchObject({ ok: false, code: 'order_not_waiting' })
    const open = await dispatched(shop, customer)
    for (const kind of ['refund', 'resend'] as const) {
      expect(await resolve(open, { kind })).toMatchObject({ ok: false, code: 'order_not_waiting' })
    }
    expect((await orderNow(shop, open.id)).version).toBe(open.version)
  })

  test('a number that is another order', async () => {
    const { shop, customer, resolve } = await setup()
    await dispatched(shop, customer, acceptedAs('77'))
    const order = await dispatched(shop, customer, TIMED_OUT)
    expect(await resolve(order, { kind: 'placed', provider_order_id: '77' })).toMatchObject({
      code: 'provider_order_taken',
    })
    expect((await orderNow(shop, order.id)).state).toBe('unknown')
  })
})

describe('two members of staff at once', () => {
  const lock = (id: bigint) => (tx: { query: Shop['app']['db']['query'] }) =>
    tx.query('select from orders.orders where id = $1 for update', [id])

  test.each(['resend', 'refund'] as const)('who both choose %s: it happens once, the second is told', async (kind) => {
    const { shop, app, customer, resolve } = await setup()
    const order = await dispatched(shop, customer, REFUSED)
    const outcomes = await atBarrier(
      app.db,
      lock(order.id),
      Array.from({ length: 4 }, () => () => resolve(order, { kind })),
    )
    expect(outcomes.filter((outcome) => outcome.ok)).toHaveLength(1)
    expect((await shop.wallet(customer)).held).toBe(kind === 'refund' ? 0n : order.charge)
    expect(await actsIn(app.db, 'orders.')).toHaveLength(1)
    expect((await orderNow(shop, order.id)).resubmits).toBe(kind === 'resend' ? 1 : 0)
    await expectSound(app)
  })

  test('who choose differently: one of them is obeyed', async () => {
    const { shop, app, customer, resolve } = await setup()
    const order = await dispatched(shop, customer, TIMED_OUT)
    const outcomes = await atBarrier(app.db, lock(order.id), [
      () => resolve(order, { kind: 'refund' }),
      () => resolve(order, { kind: 'resend' }),
      () => resolve(order, { kind: 'placed', provider_order_id: '77' }),
    ])
    expect(outcomes.filter((outcome) => outcome.ok)).toHaveLength(1)
    await expectSound(app)
  })

  test('who give one number to two orders: one order has it', async () => {
    const { shop, app, customer, resolve } = await setup()
    const orders = [await dispatched(shop, customer, TIMED_OUT), await dispatched(shop, customer, TIMED_OUT)]
    const outcomes = await atBarrier(
      app.db,
      (tx) => tx.query('lock table ledger.entry in share mode'),
      orders.map((order) => () => resolve(order, { kind: 'placed', provider_order_id: '77' })),
    )
    expect(outcomes.map((outcome) => (outcome.ok ? 'ok' : outcome.code)).sort()).toEqual(['ok', 'provider_order_taken'])
    await expectSound(app)
  })
})
