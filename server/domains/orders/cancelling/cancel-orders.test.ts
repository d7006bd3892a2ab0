import { expect, onTestFinished, test } from 'vitest'
import type { Tx } from '#server/platform/db/database.ts'
import { onFailure } from '#server/platform/telemetry/failures.ts'
import { actsIn } from '#test/support/acts.ts'
import { atBarrier, whileHeld } from '#test/support/barrier.ts'
import {
  acceptedAs,
  claim,
  claimed,
  dispatched,
  expectSound,
  orderNow,
  placed,
  REFUSED,
  TIMED_OUT,
  told,
} from '#test/support/order-book.ts'
import { openShop, type Shop } from '#test/support/shop.ts'
import { resolveOrder } from '../desk/resolve-order.ts'
import { pollOrders } from '../following/poll-orders.ts'
import { recordStatuses } from '../following/record-statuses.ts'
import type { Order } from '../order.ts'
import { historyOf } from '../queries.ts'
import { lockOrders } from '../write-orders.ts'
import { cancelOrders, REQUESTS_MAX } from './cancel-orders.ts'
import { cancelRequestsOf } from './queries.ts'
import { sendCancels, sweepCancels } from './send-cancels.ts'

const STAFF = { staff: { kind: 'user', user_id: 5n } } as const

async function setup() {
  const shop = await openShop()
  const { id } = await shop.customer('1000')
  const by = { customer_id: id }
  const cancel = async (order: Order, who: Parameters<typeof cancelOrders>[2] = by) =>
    (await cancelOrders(shop.app, [order.id], who))[0]
  const send = () => sendCancels(shop.app, shop.providers, shop.provider_id)
  const wishes = (order: Order) => cancelRequestsOf(shop.app.db, order.id)
  return { shop, app: shop.app, customer: id, by, cancel, send, wishes }
}

/** An order that its provider really has. */
async function atPanel(shop: Shop, customer: bigint): Promise<Order> {
  const { ids } = await shop.control.enterOrders([
    { service: '201', link: `https://example.com/${Math.random()}`, quantity: '100' },
  ])
  return dispatched(shop, customer, acceptedAs(ids[0] ?? '', 1n))
}

const poll = (shop: Shop, order: Order) => pollOrders(shop.app, shop.providers, shop.provider_id, [order.id])

test('what no provider has is cancelled at once, whoever wishes it, and is never sent', async () => {
  const { shop, app, customer, by, cancel, wishes } = await setup()
  const stranger = await shop.customer()
  const opening = await shop.wallet(customer)
  const failed = await dispatched(shop, customer, REFUSED)
  const [first, second] = (await placed(shop, customer, 2)) as [Order, Order]
  expect(await cancel(first, { customer_id: stranger.id })).toMatchObject({ ok: false, code: 'order_not_found' })
  // Told as any other that is Pending, to whom it is: that it failed is no business of theirs.
  expect(await cancelOrders(app, [failed.id, first.id, failed.id, 999n], by)).toMatchObject([
    { ok: true, how: 'cancelled' },
    { ok: true, how: 'cancelled' },
    { ok: true, how: 'cancelled' },
    { ok: false, code: 'order_not_found' },
  ])
  expect(await cancel(second, STAFF)).toEqual({ ok: true, how: 'cancelled' })
  for (const order of [failed, first, second]) {
    expect(await orderNow(shop, order.id)).toMatchObject({ state: 'cancelled', released: order.charge, captured: 0n })
    expect(await cancel(order)).toMatchObject({ ok: false, code: 'order_ended' })
    expect(await wishes(order)).toEqual([])
  }
  expect((await claim(shop)).claimed).toEqual([])
  expect(await shop.wallet(customer)).toEqual(opening)
  const last = async (order: Order) => (await historyOf(app.db, order.id)).at(-1)
  expect(await last(first)).toMatchObject({ kind: 'settled', actor: `customer:${customer}`, data: { from: 'queued' } })
  expect(await last(second)).toMatchObject({ kind: 'settled', actor: 'staff:5' })
  expect(await actsIn(app.db, 'orders.')).toMatchObject([
    { action: 'orders.cancelled', user_id: 5n, subject_id: String(second.id), after: { state: 'cancelled' } },
  ])
  await expectSound(app)
})

test('an order is either claimed or cancelled, however they meet', async () => {
  const { shop, app, customer, by } = await setup()
  const orders = await placed(shop, customer, 12)
  // Cancelling has the order, and the dispatcher passes it over.
  const [held] = orders as [Order]
  const [locked, open] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const cancelling = app.db.transaction(async (tx) => {
    const outcomes = await cancelOrders(app, [held.id], by, tx)
    locked.resolve()
    await open.promise
    return outcomes
  })
  await locked.promise
  expect((await claim(shop, { room: 1 })).claimed.map(({ id }) => id)).not.toContain(held.id)
  open.resolve()
  expect(await cancelling).toMatchObject([{ how: 'cancelled' }])
  const [claims, outcomes] = await Promise.all([
    Promise.all([claim(shop, { room: 3 }), claim(shop, { room: 3 })]),
    Promise.all(orders.slice(1).map(({ id }) => cancelOrders(app, [id], by))),
  ])
  const taken = new Set(claims.flatMap(({ claimed: each }) => each.map(({ id }) => id)))
  for (const [i, [outcome]] of outcomes.entries()) {
    const now = await orderNow(shop, orders[i + 1]?.id ?? 0n)
    const at_once = outcome?.ok && outcome.how === 'cancelled'
    expect(now.state).toBe(at_once ? 'cancelled' : 'dispatching')
    if (taken.has(now.id)) expect(outcome).toEqual({ ok: true, how: 'requested' })
  }
  await expectSound(app)
})

test('a stranger neither waits for another customer’s order nor locks it', async () => {
  const { shop, app, customer, cancel } = await setup()
  const stranger = { customer_id: (await shop.customer()).id }
  const [order] = (await placed(shop, customer)) as [Order]
  const lock = (tx: Tx) => lockOrders(tx, [order.id])
  const outcome = await whileHeld(app.db, lock, () => cancel(order, stranger))
  expect(outcome).toMatchObject({ ok: false, code: 'order_not_found' })
})

test('of two who wish it at once one is heard; at the provider it ends as its status says, and the money with it', async () => {
  const { shop, app, customer, by, cancel, send, wishes } = await setup()
  const order = await atPanel(shop, customer)
  const lock = (tx: { query: typeof app.db.query }) =>
    tx.query('select 1 from orders.orders where id = $1 for update', [order.id])
  const both = await atBarrier(app.db, lock, [() => cancel(order), () => cancel(order, STAFF)])
  expect(both).toEqual([
    { ok: true, how: 'requested' },
    { ok: true, how: 'requested' },
  ])
  expect(await wishes(order)).toMatchObject([{ state: 'asked', attempts: 0 }])
  expect(await orderNow(shop, order.id)).toMatchObject({ state: 'pending', released: 0n })

  await Promise.all([send(), send()])
  expect(await wishes(order)).toMatchObject([
    { state: 'accepted', attempts: 1, provider_order_id: order.provider_order_id, ended_at: expect.any(Date) },
  ])
  expect((await shop.control.summary()).requests.cancel).toBe(1)
  // The answer alone moves nothing; it makes the order due.
  const told_so = await orderNow(shop, order.id)
  expect(told_so).toMatchObject({ state: 'pending', released: 0n })
  expect(told_so.next_check_at?.getTime()).toBeLessThanOrEqual(Date.now())
  expect(await cancelOrders(app, [order.id], by)).toEqual([{ ok: true, how: 'requested' }])
  expect(await wishes(order)).toHaveLength(1)
  await poll(shop, order)
  expect(await orderNow(shop, order.id)).toMatchObject({ state: 'cancelled', released: order.charge })
  const kinds = (await historyOf(app.db, order.id)).map(({ kind }) => kind)
  expect(kinds).toEqual(['placed', 'sent', 'accepted', 'cancel_asked', 'cancel_answered', 'settled'])
  await expectSound(app)
})

test('a provider that takes the wish and finishes all the same is paid, and so are we', async () => {
  const { shop, app, customer, cancel, send } = await setup()
  const order = await atPanel(shop, customer)
  await shop.control.setFaults({ cancel_ignored: 1 })
  await cancel(order)
  await send()
  await shop.control.finish(order.provider_order_id ?? '', { status: 'Completed' })
  await poll(shop, order)
  expect(await orderNow(shop, order.id)).toMatchObject({ state: 'completed', captured: order.charge })
  await expectSound(app)
})

test('each way in which a provider may answer, or not, leaves the money alone', async () => {
  const { shop, app, customer, cancel, send, wishes } = await setup()
  const order = await atPanel(shop, customer)
  await shop.control.setFaults({ cancel_refused: 1 })
  await cancel(order)
  await send()
  expect(await wishes(order)).toMatchObject([
    { state: 'refused', code: 'other', message: expect.stringMatching(/can not/) },
  ])
  await shop.control.setFaults({ http_5xx: 1 })
  await cancel(order)
  await send()
  expect((await wishes(order)).at(-1)).toMatchObject({ state: 'unknown', code: 'server_error', attempts: 1 })
  // Nothing is sent again by itself.
  expect(await send()).toBe(false)
  await shop.control.setFaults({ rate_limit_429: { probability: 1, limit: 1 }, cut_after: 1 })
  await cancel(order)
  await send()
  expect((await wishes(order)).at(-1)).toMatchObject({ state: 'asked', code: 'rate_limited', attempts: 1 })
  await app.db.query(`update orders.cancel_request set next_try_at = now() - interval '1 second' where state = 'asked'`)
  await send()
  expect((await wishes(order)).at(-1)).toMatchObject({ state: 'unknown', code: 'connection_lost', attempts: 2 })
  expect(await wishes(order)).toHaveLength(REQUESTS_MAX)
  expect(await cancel(order)).toMatchObject({ ok: false, code: 'cancel_refused' })
  expect(await orderNow(shop, order.id)).toMatchObject({ state: 'pending', captured: 0n, released: 0n })
  // The last one was carried out after all: its status says so.
  await shop.control.setFaults({})
  await poll(shop, order)
  expect(await orderNow(shop, order.id)).toMatchObject({ state: 'cancelled' })
  await expectSound(app)
})

test('a wish waits for an order whose fate is not known, and is dropped where it ended first', async () => {
  const { shop, app, customer, cancel, send, wishes } = await setup()
  const [resent, gone] = [await dispatched(shop, customer, TIMED_OUT), await dispatched(shop, customer, TIMED_OUT)]
  const sending = await claimed(shop, customer)
  for (const order of [resent, gone, sending]) expect(await cancel(order)).toMatchObject({ how: 'requested' })
  await resolveOrder(app, resent.id, { kind: 'resend' }, STAFF.staff)
  await resolveOrder(app, gone.id, { kind: 'refund' }, STAFF.staff)
  await send()
  expect((await shop.control.summary()).requests.cancel).toBeUndefined()
  expect(await wishes(resent)).toMatchObject([{ state: 'accepted', attempts: 0 }])
  expect(await orderNow(shop, resent.id)).toMatchObject({ state: 'cancelled', released: resent.charge })
  expect(await wishes(gone)).toMatchObject([{ state: 'dropped' }])
  expect(await wishes(sending)).toMatchObject([{ state: 'asked' }])

  await app.db.query(`update catalog.service set cancel = false`)
  const open = await dispatched(shop, customer)
  expect(await cancel(open)).toMatchObject({ ok: false, code: 'cancel_not_available' })
  expect(await cancel(open, STAFF)).toMatchObject({ ok: false, code: 'cancel_not_available' })
  // What is still here can be cancelled all the same.
  const [queued] = (await placed(shop, customer)) as [Order]
  expect(await cancel(queued)).toMatchObject({ how: 'cancelled' })
  await recordStatuses(app, [{ order_id: open.id, row: told('completed', { charge: 1n }) }])
  expect(await cancel(open)).toMatchObject({ ok: false, code: 'order_ended' })
  await expectSound(app)
})

test('no refusal tells a customer where an order is, nor what its provider said', async () => {
  const { shop, app, customer, by, cancel } = await setup()
  const [ended, fixed, refused] = [
    await dispatched(shop, customer),
    await dispatched(shop, customer),
    await dispatched(shop, customer),
  ]
  await recordStatuses(app, [{ order_id: ended.id, row: told('completed', { charge: 1n }) }])
  await app.db.query(
    `insert into orders.cancel_request (order_id, asked_by, asked_at, state, attempts, code, ended_at)
    select $1, 'staff:5', now(), 'refused', 1, 'other', now() from generate_series(1, $2)`,
    [refused.id, REQUESTS_MAX],
  )
  const refusals = [await cancel(ended), await cancel(refused)]
  await app.db.query(`update catalog.service set cancel = false`)
  refusals.push(await cancel(fixed), (await cancelOrders(app, [999n], by))[0])
  expect(refusals.map((each) => (each?.ok === false ? each.code : each))).toEqual([
    'order_ended',
    'cancel_refused',
    'cancel_not_available',
    'order_not_found',
  ])
  for (const each of refusals) {
    expect(each).toMatchObject({
      message: expect.not.stringMatching(/provider|sent|refused|failed|unknown|staff|\d times/i),
    })
  }
})

test('one order that cannot be written holds up none of the others, and is told of', async () => {
  const { shop, app, customer, cancel, send, wishes } = await setup()
  const there = [await atPanel(shop, customer), await atPanel(shop, customer)] as const
  const here = [await dispatched(shop, customer, TIMED_OUT), await dispatched(shop, customer, TIMED_OUT)] as const
  for (const order of [...there, ...here]) await cancel(order)
  for (const order of here) await resolveOrder(app, order.id, { kind: 'resend' }, STAFF.staff)
  await app.db.query(`
    alter table orders.cancel_request add constraint of_the_test check (state <> 'accepted' or order_id not in (${there[0].id}, ${here[0].id}))`)
  const failed: unknown[] = []
  onTestFinished(onFailure(({ name, correlation }) => failed.push([name, correlation.order_id])))
  await send()
  const states = async (orders: readonly Order[]) =>
    Promise.all(
      orders.map(async (order) => [(await wishes(order)).at(-1)?.state, (await orderNow(shop, order.id)).state]),
    )
  expect(await states(there)).toEqual([
    ['sent', 'pending'],
    ['accepted', 'pending'],
  ])
  expect(await states(here)).toEqual([
    ['asked', 'queued'],
    ['accepted', 'cancelled'],
  ])
  expect(failed).toEqual([there[0], here[0]].map(({ id }) => ['orders.cancel', String(id)]))
  await expectSound(app)
})

test('a wish whose sender died is not known to be heard, and is not sent again', async () => {
  const { shop, app, customer, cancel, send, wishes } = await setup()
  const order = await atPanel(shop, customer)
  await cancel(order)
  await app.db.query(
    `update orders.cancel_request set state = 'sent', attempts = 1, next_try_at = null, provider_order_id = $1,
      claimed_until = now() - interval '1 second'`,
    [order.provider_order_id],
  )
  expect(await sweepCancels(app)).toBe(1)
  expect(await sweepCancels(app)).toBe(0)
  await send()
  expect(await wishes(order)).toMatchObject([{ state: 'unknown', code: 'interrupted' }])
  expect((await shop.control.summary()).requests.cancel).toBeUndefined()
})
