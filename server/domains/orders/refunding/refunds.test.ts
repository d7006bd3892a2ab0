import { expect, test } from 'vitest'
import { publishFresh } from '#server/platform/outbox/publish-events.ts'
import { actsIn } from '#test/support/acts.ts'
import { atBarrier } from '#test/support/barrier.ts'
import { anEditor, editorFor } from '#test/support/editors.ts'
import { dispatched, expectSound, orderNow, placed, told } from '#test/support/order-book.ts'
import { putSetting } from '#test/support/settings.ts'
import { openShop } from '#test/support/shop.ts'
import { recordStatuses } from '../following/record-statuses.ts'
import { orderSubscriptions } from '../jobs.ts'
import type { Order } from '../order.ts'
import { historyOf } from '../queries.ts'
import { verifyOrders } from '../verify-orders.ts'
import { askRefund } from './ask-refund.ts'
import { decideRefund } from './decide-refund.ts'
import { expireRefunds } from './expire-refunds.ts'
import { listRefunds, refundsOf } from './queries.ts'
import { refundSecondPersonAbove } from './settings.ts'

async function setup() {
  const shop = await openShop()
  const { app } = shop
  const { id: customer } = await shop.customer('1000')
  const ended = async (status: 'completed' | 'partial' | 'cancelled' = 'completed'): Promise<Order> => {
    const order = await dispatched(shop, customer)
    const remains = status === 'partial' ? order.quantity / 2n : 0n
    await recordStatuses(app, [{ order_id: order.id, row: told(status, { charge: 1n, remains }) }])
    return orderNow(shop, order.id)
  }
  const editor = await anEditor(app, ['orders:refund', 'orders:approve-refund'])
  const second = await anEditor(app, ['orders:refund', 'orders:approve-refund'])
  const refund = ({ id }: Order, amount: bigint, by = editor) =>
    askRefund(app, by, { order_id: id, amount, reason: 'It came late.' })
  return { shop, app, customer, ended, editor, second, refund }
}

test('what was paid goes back, a part at a time and never more: the order, the wallet, the history and the proof agree', async () => {
  const { shop, app, customer, ended, editor, refund } = await setup()
  const order = await ended()
  const before = await shop.wallet(customer)
  const first = await refund(order, 100n)
  expect(first).toMatchObject({ state: 'posted', amount: 100n, expires_at: null, order_version: order.version + 1n })
  expect(await shop.wallet(customer)).toEqual({ ...before, posted: before.posted + 100n })
  expect(await orderNow(shop, order.id)).toMatchObject({ state: 'completed', captured: order.charge, refunded: 100n })
  await expect(refund(order, order.charge - 99n)).rejects.toMatchObject({ code: 'refund_too_large' })
  await refund(order, order.charge - 100n)
  expect(await orderNow(shop, order.id)).toMatchObject({ refunded: order.charge })
  await expect(refund(order, 1n)).rejects.toMatchObject({ code: 'refund_too_large' })
  expect(await shop.wallet(customer)).toEqual({ ...before, posted: before.posted + order.charge })
  expect((await historyOf(app.db, order.id)).at(-1)).toMatchObject({
    kind: 'refunded',
    actor: `staff:${editor.id}`,
    to_state: 'completed',
  })
  expect(await actsIn(app.db, 'orders.refund')).toMatchObject([
    { action: 'orders.refunded', reason: 'It came late.' },
    {},
  ])
  await expectSound(app)
  // The table itself takes no more.
  const over = app.db.query('update orders.orders set refunded = captured + 1 where id = $1', [order.id])
  await expect(over).rejects.toThrow('order_refunded_within')
  await app.db.query('update orders.orders set refunded = refunded - 1 where id = $1', [order.id])
  expect((await verifyOrders(app.db)).problems).toMatchObject([{ check: 'refunds', order_id: order.id }])
})

test('the customer is told what they pay now, and how their balance stands', async () => {
  const { app, customer, ended, refund } = await setup()
  const order = await ended('partial')
  await refund(order, order.captured)
  const [event] = await app.db.query<{ payload: object }>(
    `select payload from platform.outbox where type = 'orders.refunded'`,
  )
  expect(event?.payload).toMatchObject({
    order_id: { $bigint: String(order.id) },
    amount: { $bigint: String(order.captured) },
    reason: 'It came late.',
    shown: { status: 'Partial', charge: '0.00' },
  })
  const subscriptions = orderSubscriptions(() => {})
  while (await publishFresh(app, subscriptions));
  const balances = await app.db.query<{ payload: { wallets: object[] } }>(
    `select payload from platform.outbox where type = 'orders.balances_moved' order by id desc limit 1`,
  )
  expect(balances[0]?.payload.wallets).toMatchObject([
    { customer_id: { $bigint: String(customer) }, available: '1000.00' },
  ])
})

test('of two who give back all of it at once, one does', async () => {
  const { shop, app, customer, ended, second, refund } = await setup()
  const order = await ended()
  const before = await shop.wallet(customer)
  const lock = (tx: { query: typeof app.db.query }) =>
    tx.query('select 1 from orders.orders where id = $1 for update', [order.id])
  const both = await atBarrier(app.db, lock, [
    () => refund(order, order.charge).catch((error) => error),
    () => refund(order, order.charge, second).catch((error) => error),
  ])
  expect(both.map((each) => each.state ?? each.code).sort()).toEqual(['posted', 'refund_too_large'])
  expect(await shop.wallet(customer)).toEqual({ ...before, posted: before.posted + order.charge })
  await expectSound(app)
})

test('only what was paid, by those who may, and not to oneself', async () => {
  const { shop, app, customer, ended, refund } = await setup()
  const [queued] = (await placed(shop, customer)) as [Order]
  await expect(refund(queued, 1n)).rejects.toMatchObject({ code: 'order_not_ended' })
  await expect(refund(await ended('cancelled'), 1n)).rejects.toMatchObject({ code: 'refund_too_large' })
  const order = await ended()
  await expect(refund({ ...order, id: 999n }, 1n)).rejects.toMatchObject({ code: 'order_not_found' })
  for (const amount of [0n, -1n]) await expect(refund(order, amount)).rejects.toMatchObject({ code: 'amount_refused' })
  await expect(refund(order, 1n, await anEditor(app, ['orders:read']))).rejects.toMatchObject({ code: 'forbidden' })
  await app.db.query(`update identity.user set granted = '{orders:refund}' where id = $1`, [customer])
  const own = { ...(await editorFor(app, customer)), id: customer }
  await expect(refund(order, 1n, own)).rejects.toMatchObject({ code: 'own_account' })
  expect(await refundsOf(app.db, order.id)).toEqual([])
})

test('above a sum a second person says yes, once, or no; what nobody answers expires', async () => {
  const { shop, app, customer, ended, editor, second, refund } = await setup()
  await putSetting(app.db, refundSecondPersonAbove, '0.00')
  await expect.poll(() => app.settings.read(refundSecondPersonAbove), { timeout: 10_000 }).toBe(0n)
  const order = await ended()
  const before = await shop.wallet(customer)
  const asked = await refund(order, order.charge)
  expect(asked).toMatchObject({ state: 'asked', order_version: null, expires_at: expect.any(Date) })
  const other = await refund(order, order.charge)
  const decide = (verdict: 'approve' | 'refuse', by = second, id = asked.id) => decideRefund(app, by, { id, verdict })
  await expect(decide('approve', editor)).rejects.toMatchObject({ code: 'same_person' })
  await expect(decide('approve', await anEditor(app, ['orders:refund']))).rejects.toMatchObject({ code: 'forbidden' })
  expect(await shop.wallet(customer)).toEqual(before)
  const third = await anEditor(app, ['orders:approve-refund'])
  const lock = (tx: { query: typeof app.db.query }) =>
    tx.query('select 1 from orders.orders where id = $1 for update', [order.id])
  const both = await atBarrier(app.db, lock, [
    () => decide('approve').catch((error) => error),
    () => decide('approve', third).catch((error) => error),
  ])
  expect(both.map((each) => each.state ?? each.code).filter((word) => word === 'posted').length).toBeGreaterThan(0)
  expect(both.map((each) => each.code ?? 'posted').sort()).toEqual(['posted', 'refund_settled'])
  expect(await shop.wallet(customer)).toEqual({ ...before, posted: before.posted + order.charge })
  // Nothing is left for the other, which waits on.
  await expect(decide('approve', second, other.id)).rejects.toMatchObject({ code: 'refund_too_large' })
  expect(await decide('refuse', second, other.id)).toMatchObject({ state: 'refused' })
  expect(await decide('refuse', second, other.id)).toMatchObject({ state: 'refused' })
  await expect(decide('refuse', second, 999n)).rejects.toMatchObject({ code: 'refund_not_found' })

  const late = await refund(await ended(), 1n)
  await app.db.query(
    `update orders.refund set asked_at = asked_at - interval '4 days', expires_at = now() - interval '1 second' where id = $1`,
    [late.id],
  )
  await expect(decide('approve', second, late.id)).rejects.toMatchObject({ code: 'refund_settled' })
  expect(await expireRefunds(app)).toBe(1)
  expect((await listRefunds(app.db, { state: 'expired' }, { limit: 10 })).refunds).toMatchObject([{ id: late.id }])
  await expectSound(app)
})
