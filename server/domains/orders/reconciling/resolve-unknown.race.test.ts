import { expect, test } from 'vitest'
import type { Tx } from '#server/platform/db/database.ts'
import { actsIn } from '#test/support/acts.ts'
import { atBarrier } from '#test/support/barrier.ts'
import { acceptedAs, ended, expectSound, orderNow } from '#test/support/order-book.ts'
import { BY_KEY, LISTING, unknownOrders } from '#test/support/unknown-orders.ts'
import { expireWaitingOrders } from '../desk/expire-waiting-orders.ts'
import { resolveOrder } from '../desk/resolve-order.ts'
import { recordPlacements } from '../dispatching/record-placements.ts'
import { sweepDispatches } from '../dispatching/sweep-dispatches.ts'
import { resolveUnknown } from './resolve-unknown.ts'

const lock = (id: bigint) => (tx: Tx) => tx.query('select from orders.orders where id = $1 for update', [id])

test('people and the house: one of them closes it', async () => {
  const { shop, app, control, lost, look, pass } = await unknownOrders(LISTING)
  const order = await lost('cut_before')
  await look()
  await pass(6)
  await atBarrier<unknown>(app.db, lock(order.id), [
    () => resolveOrder(app, order.id, { kind: 'refund' }, { kind: 'user', user_id: 5n }),
    look,
  ])
  const { state, resubmits } = await orderNow(shop, order.id)
  expect(['cancelled 0', 'queued 1']).toContain(`${state} ${resubmits}`)
  expect(await actsIn(app.db, 'orders.')).toHaveLength(1)
  expect((await control.summary()).orders_accepted).toBe(0)
  await expectSound(app)
})

test('two workers: it is sent again once', async () => {
  const { shop, app, lost, look, pass } = await unknownOrders(LISTING)
  const order = await lost('cut_before')
  await look()
  await pass(6)
  await atBarrier(app.db, lock(order.id), [look, look])
  expect(await orderNow(shop, order.id)).toMatchObject({ state: 'queued', resubmits: 1 })
  await expectSound(app)
})

test('the late answer and the house: the order has the number once, and its cost', async () => {
  const { shop, app, control, lost, look } = await unknownOrders(LISTING)
  const opening = await shop.prepaid()
  const order = await lost('cut_after')
  await control.setFaults({ http_5xx: { probability: 1, actions: ['orders'] } })
  await look()
  await control.setFaults({})
  const [at_panel] = await control.allOrders()
  const late = ended(order, acceptedAs(at_panel?.id ?? ''))
  await atBarrier(app.db, lock(order.id), [() => recordPlacements(app, [late]), look])
  expect(await orderNow(shop, order.id)).toMatchObject({ state: 'pending', provider_order_id: at_panel?.id })
  expect(await shop.prepaid()).toBe(opening - order.expected_cost)
  await expectSound(app)
})

test('while the same is being sent again nobody resolves it otherwise, nor does the clock, and older ends of it change nothing', async () => {
  const { app, control, lost, look, now } = await unknownOrders(BY_KEY)
  const order = await lost('cut_before')
  await control.setFaults({ delay: { probability: 1, ms: 600, actions: ['add'] } })
  const looking = look()
  await expect.poll(async () => (await now(order)).state, { interval: 5 }).toBe('dispatching')
  for (const kind of ['refund', 'resend'] as const) {
    const outcome = await resolveOrder(app, order.id, { kind }, { kind: 'user', user_id: 5n })
    expect(outcome).toMatchObject({ ok: false, code: 'order_not_waiting' })
  }
  await app.db.query(`update orders.orders set waiting_since = now() - interval '1 year'`)
  await expireWaitingOrders(app)
  await recordPlacements(app, [ended(order, { outcome: 'rejected', code: 'bad_link', message: 'late' })])
  expect((await now(order)).state).toBe('dispatching')
  await looking
  expect((await now(order)).state).toBe('pending')
  expect((await control.summary()).orders_accepted).toBe(1)
  await expectSound(app)
})

test('while the same is being sent again its case stays: though a look comes by, and the sender dies, it is looked at again', async () => {
  const { app, providers, lost, look, now } = await unknownOrders(BY_KEY)
  const order = await lost('cut_before')
  await app.db.query('update orders.unknown_case set next_try_at = now()')
  await resolveUnknown(app, providers, () => Promise.reject(new Error('died')))
  expect((await now(order)).state).toBe('dispatching')
  await look()
  await app.db.query(`update orders.orders set claimed_until = now() - interval '1 second'`)
  await sweepDispatches(app)
  expect((await now(order)).state).toBe('unknown')
  await look()
  expect((await now(order)).state).toBe('pending')
  await expectSound(app)
})

test('a worker that dies while it sends again leaves the order unknown, and the next proves it', async () => {
  const { app, control, lost, look, now } = await unknownOrders(BY_KEY)
  const order = await lost('cut_after')
  await control.setFaults({ delay: { probability: 1, limit: 1, ms: 600, actions: ['add'] } })
  const looking = look()
  await expect.poll(async () => (await now(order)).state, { interval: 5 }).toBe('dispatching')
  await app.db.query(`update orders.orders set claimed_until = now() - interval '1 second'`)
  await sweepDispatches(app)
  expect((await now(order)).state).toBe('unknown')
  await looking
  expect((await now(order)).state).toBe('pending')
  await expectSound(app)
})
