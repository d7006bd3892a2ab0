import { expect, test } from 'vitest'
import type { CancelOutcome } from '#server/domains/providers/provider.ts'
import { atBarrier } from '#test/support/barrier.ts'
import { dispatched, expectSound, orderNow, told } from '#test/support/order-book.ts'
import { openShop } from '#test/support/shop.ts'
import { resolveOrder } from '../desk/resolve-order.ts'
import { recordStatuses } from '../following/record-statuses.ts'
import type { Order } from '../order.ts'
import { historyOf } from '../queries.ts'
import { cancelOrders, REQUESTS_MAX } from './cancel-orders.ts'
import type { CancelRequest } from './cancel-request.ts'
import { claimCancels } from './claim-cancels.ts'
import { cancelRequestsOf } from './queries.ts'
import { recordCancels } from './record-cancels.ts'
import { sendCancels, sweepCancels } from './send-cancels.ts'

// Answers that come when their sender was given up, when the order has ended or is elsewhere, or when the wish was sent anew.

const STAFF = { kind: 'user', user_id: 5n } as const
const ACCEPTED: CancelOutcome = { outcome: 'accepted' }
const NO: CancelOutcome = { outcome: 'rejected', code: 'other', message: 'Too late.' }
const NOT_SENT: CancelOutcome = { outcome: 'rejected', code: 'not_sent', message: 'No connection.' }

async function setup() {
  const shop = await openShop()
  const { app, providers, provider_id } = shop
  const { id: customer } = await shop.customer('1000')
  const provider = await providers.providerById(provider_id)
  const wish = async (order: Order) => (await cancelOrders(app, [order.id], { customer_id: customer }))[0]
  /** Asks for the order's end and takes the wish, as a worker does who then hangs in the call. */
  const taken = async (order: Order): Promise<CancelRequest> => {
    expect(await wish(order)).toEqual({ ok: true, how: 'requested' })
    const { sent } = await claimCancels(app, provider)
    expect(sent).toHaveLength(1)
    return sent[0] as CancelRequest
  }
  const giveUp = async () => {
    await app.db.query(
      `update orders.cancel_request set claimed_until = now() - interval '1 second' where state = 'sent'`,
    )
    expect(await sweepCancels(app)).toBe(1)
  }
  const answer = (request: CancelRequest, outcome: CancelOutcome) =>
    recordCancels(app, [{ order_id: request.order_id, request, outcome }])
  const wishes = async (order: Order) => (await cancelRequestsOf(app.db, order.id)) as [CancelRequest, CancelRequest?]
  const steps = async (order: Order) =>
    (await historyOf(app.db, order.id)).filter(({ kind }) => kind === 'cancel_answered').map(({ data }) => data)
  /** The provider calls the order failed, staff send it again, and the provider has it under another number. */
  const movedOn = async (order: Order, to?: { provider_id: bigint; number: string }) => {
    await recordStatuses(app, [{ order_id: order.id, row: told('failed') }])
    await resolveOrder(app, order.id, { kind: 'resend' }, STAFF)
    if (!to) return
    // As moving it or failing over does, without a second provider's catalogue.
    await app.db.query(
      `update orders.orders set state = 'pending', provider_id = $2, provider_order_id = $3, accepted_at = now(), next_check_at = now() + interval '1 hour',
        waiting_since = null where id = $1`,
      [order.id, to.provider_id, to.number],
    )
  }
  return { shop, app, customer, provider_id, wish, taken, giveUp, answer, wishes, steps, movedOn }
}

test('an answer that comes after its sender was given up is the answer, and is written once', async () => {
  const { shop, app, customer, taken, giveUp, answer, wishes, steps } = await setup()
  for (const [outcome, end] of [
    [ACCEPTED, { state: 'accepted', code: null }],
    [NO, { state: 'refused', code: 'other' }],
  ] as const) {
    const order = await dispatched(shop, customer)
    const request = await taken(order)
    await giveUp()
    expect(await wishes(order)).toMatchObject([{ state: 'unknown', code: 'interrupted', attempts: 1 }])
    const given_up = await orderNow(shop, order.id)
    // Whether it was heard only the order's status tells: it is asked for at once.
    expect(given_up.next_check_at?.getTime()).toBeLessThanOrEqual(Date.now())
    await answer(request, outcome)
    await answer(request, outcome)
    await answer(request, { outcome: 'unknown', reason: 'timeout', message: '' })
    expect(await wishes(order)).toMatchObject([end])
    expect(await steps(order)).toMatchObject([{ cancel: 'unknown', code: 'interrupted' }, { cancel: end.state }])
  }
  await expectSound(app)
})

test('of two who give up a sender one does, and an answer meanwhile is not undone', async () => {
  const { shop, app, customer, taken, answer, wishes, steps } = await setup()
  const order = await dispatched(shop, customer)
  const request = await taken(order)
  await app.db.query(`update orders.cancel_request set claimed_until = now() - interval '1 second'`)
  const lock = (tx: { query: typeof app.db.query }) =>
    tx.query('select 1 from orders.orders where id = $1 for update', [order.id])
  const work = [() => sweepCancels(app), () => sweepCancels(app), () => answer(request, ACCEPTED)]
  await atBarrier<unknown>(app.db, lock, work)
  expect(await wishes(order)).toMatchObject([{ state: 'accepted' }])
  const told_of = await steps(order)
  expect(told_of.at(-1)).toEqual({ cancel: 'accepted' })
  expect(told_of.length).toBeLessThanOrEqual(2)
})

test('what was not heard in time is sent again, unless it was wished anew since: that one is under way then', async () => {
  const { shop, customer, wish, taken, giveUp, answer, wishes } = await setup()
  const [once, anew] = [await dispatched(shop, customer), await dispatched(shop, customer)]
  const first = await taken(once)
  await giveUp()
  await answer(first, NOT_SENT)
  expect(await wishes(once)).toMatchObject([{ state: 'asked', code: 'not_sent', ended_at: null }])
  expect(await wish(once)).toMatchObject({ how: 'requested' })
  expect(await wishes(once)).toHaveLength(1)

  const older = await taken(anew)
  await giveUp()
  expect(await wish(anew)).toMatchObject({ how: 'requested' })
  await answer(older, NOT_SENT)
  expect(await wishes(anew)).toMatchObject([{ state: 'refused', code: 'not_sent' }, { state: 'asked' }])
  // Nor when the newer one has had its answer: whoever wishes it a third time is heard.
  await shop.app.db.query(
    `update orders.cancel_request set state = 'unknown', code = 'interrupted', ended_at = now() where id = $1`,
    [older.id],
  )
  await shop.app.db.query(
    `update orders.cancel_request set state = 'refused', code = 'other', next_try_at = null, ended_at = now() where state = 'asked' and order_id = $1`,
    [anew.id],
  )
  await answer(older, NOT_SENT)
  expect(await wishes(anew)).toMatchObject([{ state: 'refused' }, { state: 'refused' }])
  expect(await wish(anew)).toEqual({ ok: true, how: 'requested' })
})

test('an answer to a sending after which the wish was taken again changes nothing', async () => {
  const { shop, customer, app, provider_id, taken, answer, wishes, steps } = await setup()
  const order = await dispatched(shop, customer)
  const first = await taken(order)
  await answer(first, NOT_SENT)
  await app.db.query(`update orders.cancel_request set next_try_at = now() - interval '1 second' where state = 'asked'`)
  const { sent } = await claimCancels(app, await shop.providers.providerById(provider_id))
  expect(sent).toMatchObject([{ id: first.id, attempts: 2 }])
  await answer(first, NO)
  await answer(first, NOT_SENT)
  expect(await wishes(order)).toMatchObject([{ state: 'sent', attempts: 2 }])
  await answer(sent[0] as CancelRequest, ACCEPTED)
  await answer(first, NO)
  expect(await wishes(order)).toMatchObject([{ state: 'accepted', attempts: 2 }])
  expect(await steps(order)).toEqual([{ cancel: 'accepted' }])
})

test('an answer after the order’s end closes the wish and changes nothing else, for its customer either', async () => {
  const { shop, app, customer, taken, giveUp, answer, wishes } = await setup()
  const events = async () => (await app.db.query(`select 1 from platform.outbox where type = 'orders.settled'`)).length
  for (const [outcome, late, state] of [
    [ACCEPTED, false, 'accepted'],
    [NO, true, 'refused'],
    [NOT_SENT, false, 'dropped'],
    [NOT_SENT, true, 'dropped'],
  ] as const) {
    const order = await dispatched(shop, customer)
    const request = await taken(order)
    await recordStatuses(app, [{ order_id: order.id, row: told('completed', { charge: 1n }) }])
    if (late) await giveUp()
    const [before, told_before] = [await orderNow(shop, order.id), await events()]
    await answer(request, outcome)
    expect(await wishes(order)).toMatchObject([{ state, ended_at: expect.any(Date) }])
    expect(await orderNow(shop, order.id)).toEqual({ ...before, version: expect.any(BigInt) })
    expect(await events()).toBe(told_before)
  }
  await expectSound(app)
})

test('a wish is for the provider that had the order when it was sent: an answer says nothing of where the order is now', async () => {
  const { shop, app, customer, provider_id, taken, answer, wishes, steps, movedOn, wish } = await setup()
  const order = await dispatched(shop, customer)
  const request = await taken(order)
  expect(request).toMatchObject({ provider_id, provider_order_id: order.provider_order_id })
  // By chance the other has it under the same number.
  const other = { provider_id: provider_id + 1n, number: order.provider_order_id ?? '' }
  await movedOn(order, other)
  const there = await orderNow(shop, order.id)
  await answer(request, ACCEPTED)
  expect(await steps(order)).toEqual([
    { cancel: 'accepted', provider_id: String(provider_id), provider_order_id: order.provider_order_id },
  ])
  // Not made due, and the wish is for whoever has it.
  expect((await orderNow(shop, order.id)).next_check_at).toEqual(there.next_check_at)
  expect(await wishes(order)).toMatchObject([{ state: 'asked', ended_at: null }])
  const elsewhere = { row: { ...(await shop.providers.providerById(provider_id)).row, id: other.provider_id } }
  const { sent } = await claimCancels(app, elsewhere)
  expect(sent).toMatchObject([{ attempts: 2, provider_id: other.provider_id, provider_order_id: other.number }])
  await answer(sent[0] as CancelRequest, NO)
  expect(await wishes(order)).toMatchObject([{ state: 'refused', provider_id: other.provider_id }])

  // One that was taken by the provider before holds nothing back at this one.
  await app.db.query(`update orders.cancel_request set state = 'accepted', code = null, provider_id = $1`, [
    provider_id,
  ])
  expect(await wish(order)).toMatchObject({ how: 'requested' })
  expect(await wishes(order)).toHaveLength(2)
})

test('that one provider has refused as often as it may be asked does not keep another from being asked', async () => {
  const { shop, app, customer, provider_id, wish, taken, answer, movedOn } = await setup()
  const order = await dispatched(shop, customer)
  for (let times = 1; times <= REQUESTS_MAX; times++) await answer(await taken(order), NO)
  expect(await wish(order)).toMatchObject({ ok: false, code: 'cancel_refused' })
  await movedOn(order, { provider_id: provider_id + 1n, number: '7' })
  const elsewhere = { row: { ...(await shop.providers.providerById(provider_id)).row, id: provider_id + 1n } }
  for (let times = 1; times <= REQUESTS_MAX; times++) {
    expect(await wish(order)).toEqual({ ok: true, how: 'requested' })
    const { sent } = await claimCancels(app, elsewhere)
    await answer(sent[0] as CancelRequest, NO)
  }
  expect(await wish(order)).toMatchObject({ ok: false, code: 'cancel_refused' })
})

test('a wish that its provider answers when no provider has the order any more is carried out here', async () => {
  const { shop, app, customer, provider_id, taken, giveUp, answer, wishes, movedOn } = await setup()
  for (const outcome of [NO, 'given up'] as const) {
    const order = await dispatched(shop, customer)
    const request = await taken(order)
    await movedOn(order)
    if (outcome === 'given up') await giveUp()
    else await answer(request, outcome)
    await sendCancels(app, shop.providers, provider_id)
    expect(await wishes(order)).toMatchObject([{ state: 'accepted', provider_id: null, provider_order_id: null }])
    expect(await orderNow(shop, order.id)).toMatchObject({ state: 'cancelled', released: order.charge })
    if (outcome === 'given up') await answer(request, ACCEPTED)
    expect(await wishes(order)).toMatchObject([{ state: 'accepted', attempts: 1 }])
  }
  await expectSound(app)
})

test('a request of the version before, which says no provider, is judged by its number', async () => {
  const { shop, app, customer, taken, answer, wishes } = await setup()
  const order = await dispatched(shop, customer)
  const request = await taken(order)
  await app.db.query('update orders.cancel_request set provider_id = null')
  await answer(request, ACCEPTED)
  expect(await wishes(order)).toMatchObject([{ state: 'accepted' }])
  expect((await orderNow(shop, order.id)).next_check_at?.getTime()).toBeLessThanOrEqual(Date.now())
})
