import { expect, test } from 'vitest'
import type { StatusRow } from '#server/domains/providers/provider.ts'
import { actsIn } from '#test/support/acts.ts'
import { atBarrier } from '#test/support/barrier.ts'
import { openDoors } from '#test/support/doors.ts'
import { dispatched, expectSound, orderNow, placed, REFUSED, TIMED_OUT, told } from '#test/support/order-book.ts'
import { NOW, orderRow } from '#test/support/order-row.ts'
import { openShop } from '#test/support/shop.ts'
import { staffWith } from '#test/support/staff.ts'
import { decideStatus } from '../following/decide-status.ts'
import { recordStatuses } from '../following/record-statuses.ts'
import type { Order } from '../order.ts'
import { historyOf } from '../queries.ts'
import { type ForcedEnd, forceStatus } from './force-status.ts'

const STAFF = { kind: 'user', user_id: 5n } as const

async function setup() {
  const shop = await openShop()
  const { id: customer } = await shop.customer('1000')
  const force = (order: Pick<Order, 'id'>, end: Partial<ForcedEnd> & Pick<ForcedEnd, 'status'>) =>
    forceStatus(shop.app, order.id, { reason: 'They lost it.', ...end } as ForcedEnd, STAFF)
  return { shop, app: shop.app, customer, force }
}

test('each end by our word settles as the provider’s would, stands in history and audit, and is told as any other', async () => {
  const { shop, app, customer, force } = await setup()
  const [whole, half, none] = [
    await dispatched(shop, customer),
    await dispatched(shop, customer),
    await dispatched(shop, customer),
  ]
  expect(await force(whole, { status: 'completed' })).toEqual({ ok: true })
  expect(await force(half, { status: 'partial', remains: half.quantity / 4n } as ForcedEnd)).toEqual({ ok: true })
  expect(await force(none, { status: 'cancelled' })).toEqual({ ok: true })
  const three_quarters = (half.charge * (half.quantity - half.quantity / 4n) + half.quantity - 1n) / half.quantity
  expect(await orderNow(shop, whole.id)).toMatchObject({
    state: 'completed',
    captured: whole.charge,
    reason: 'forced',
    detail: 'They lost it.',
  })
  expect(await orderNow(shop, half.id)).toMatchObject({
    state: 'partial',
    captured: three_quarters,
    remains: half.quantity / 4n,
  })
  expect(await orderNow(shop, none.id)).toMatchObject({
    state: 'cancelled',
    released: none.charge,
    booked_cost: none.booked_cost,
  })
  expect((await historyOf(app.db, half.id)).at(-1)).toMatchObject({
    kind: 'settled',
    actor: 'staff:5',
    data: { forced: 'partial', why: 'They lost it.' },
  })
  expect(await actsIn(app.db, 'orders.forced')).toHaveLength(3)
  const settled = await app.db.query(`select 1 from platform.outbox where type = 'orders.settled'`)
  expect(settled).toHaveLength(3)
  await expectSound(app)
})

test('only what is at a provider, once, and with remains that make sense', async () => {
  const { shop, app, customer, force } = await setup()
  const waiting = [await dispatched(shop, customer, REFUSED), await dispatched(shop, customer, TIMED_OUT)]
  const order = await dispatched(shop, customer)
  const [queued] = (await placed(shop, customer)) as [Order]
  for (const each of [...waiting, queued]) {
    expect(await force(each, { status: 'cancelled' })).toMatchObject({ ok: false, code: 'order_not_at_provider' })
  }
  expect(await force({ id: 999n }, { status: 'completed' })).toMatchObject({ ok: false, code: 'order_not_found' })
  for (const remains of [0n, order.quantity, order.quantity + 1n]) {
    expect(await force(order, { status: 'partial', remains } as ForcedEnd)).toMatchObject({
      code: 'remains_out_of_range',
    })
  }
  const lock = (tx: { query: typeof app.db.query }) =>
    tx.query('select 1 from orders.orders where id = $1 for update', [order.id])
  const [ours] = await atBarrier<unknown>(app.db, lock, [
    () => force(order, { status: 'cancelled' }),
    () => recordStatuses(app, [{ order_id: order.id, row: told('completed', { charge: 1n }) }]),
  ])
  const now = await orderNow(shop, order.id)
  expect(now.state).toBe((ours as { ok: boolean }).ok ? 'cancelled' : 'completed')
  expect(await force(order, { status: 'completed' })).toMatchObject({ ok: false, code: 'order_not_at_provider' })
  await expectSound(app)
})

test('what the provider says later moves nothing of the customer’s, corrects our cost, and is flagged where it contradicts', async () => {
  const { shop, app, customer, force } = await setup()
  const order = await dispatched(shop, customer)
  await force(order, { status: 'cancelled' })
  const wallet = await shop.wallet(customer)
  await recordStatuses(app, [{ order_id: order.id, row: told('in_progress', { charge: 9n }) }])
  expect(await orderNow(shop, order.id)).toMatchObject({
    state: 'cancelled',
    reason: 'forced',
    booked_cost: order.booked_cost,
  })
  await recordStatuses(app, [{ order_id: order.id, row: told('completed', { charge: 9n, currency: 'USD' }) }])
  expect(await orderNow(shop, order.id)).toMatchObject({
    state: 'cancelled',
    captured: 0n,
    reason: 'forced_contradicted',
    detail: expect.stringMatching(/cancelled; the provider says: completed.*They lost it/),
    booked_cost: 9n,
    next_check_at: null,
  })
  expect((await historyOf(app.db, order.id)).at(-1)).toMatchObject({
    kind: 'flagged',
    data: { reason: 'forced_contradicted' },
  })
  expect(await shop.wallet(customer)).toEqual(wallet)
  await expectSound(app)
})

test.each([
  ['cancelled', told('cancelled'), 0n, 'forced_confirmed'],
  ['cancelled', told('cancelled', { charge: 7n, currency: 'EUR' }), 0n, 'forced_confirmed'],
  ['completed', told('cancelled'), 0n, 'forced_contradicted'],
  ['cancelled', told('partial', { remains: 500n }), 250_001n, 'forced_contradicted'],
  ['completed', told('completed'), 500_001n, 'forced_confirmed'],
  ['cancelled', told('failed', { remains: 500n }), 500_001n, 'forced_confirmed'],
] as const)(
  'of one that we ended %s and whose charge no late word names, the cost is guessed, asked for on, and flagged',
  (state, row, guess, reason) => {
    const step = (order: Order) => ({ ...order, ...decideStatus(order, row, NOW)?.after })
    const ended = orderRow({ state, reason: 'forced', detail: 'They lost it.', finished_at: NOW, failed_checks: 40 })
    const guessed = step(ended)
    expect(guessed).toMatchObject({ state, booked_cost: guess, reason, next_check_at: expect.any(Date) })
    const named = decideStatus(guessed, { ...row, charge: 123n, currency: 'USD' } as StatusRow, NOW)
    expect(named?.after).toMatchObject({ booked_cost: 123n, next_check_at: null })
    let last = guessed
    for (let checks = 0; checks < 8; checks++) last = step(last)
    expect(last).toMatchObject({
      state,
      booked_cost: guess,
      reason: 'cost_unconfirmed',
      detail: expect.stringMatching(/did not name its charge.*They lost it/),
      next_check_at: null,
    })
  },
)

test('a late word, in all its kinds', () => {
  const ended = (state: 'completed' | 'partial' | 'cancelled', remains: bigint | null = null) =>
    orderRow({ state, remains, reason: 'forced', detail: 'x', finished_at: NOW, failed_checks: 0 })
  const word = (order: Order, row: Parameters<typeof decideStatus>[1]) => decideStatus(order, row, NOW)
  const named = { charge: 500_001n, currency: 'USD' }
  expect(word(ended('completed'), told('completed', named))?.after).toMatchObject({ next_check_at: null })
  expect(word(ended('completed'), told('completed', named))?.step).toBeUndefined()
  expect(word(ended('cancelled'), told('failed'))?.step).toBeUndefined()
  expect(word(ended('completed'), told('failed'))?.step).toMatchObject({ kind: 'flagged' })
  expect(word(ended('partial', 40n), told('partial', { remains: 40n, ...named }))?.step).toBeUndefined()
  expect(word(ended('partial', 40n), told('partial', { remains: 50n }))?.step).toMatchObject({ kind: 'flagged' })
  expect(word(ended('partial', 40n), told('partial'))?.after.detail).toContain('unknown remaining')
  const missing = { ok: false, reason: 'not_found', message: 'x' } as const
  expect(word(ended('cancelled'), missing)?.after).toMatchObject({ failed_checks: 1, next_check_at: expect.any(Date) })
  expect(word({ ...ended('cancelled'), failed_checks: 47 }, missing)?.after).toMatchObject({ next_check_at: null })
})

test('the door asks for a status that ends, a reason, and remains with partial alone', async () => {
  const { shop, url, customer } = await openDoors()
  const { id } = await customer('1000')
  const order = await dispatched(shop, id)
  const { ask } = await staffWith(shop.app, url, ['orders:force', 'orders:read'])
  const path = `/api/admin/orders/${order.id}/force`
  const bad = [
    {},
    { status: 'completed' },
    { status: 'completed', reason: ' ' },
    { status: 'pending', reason: 'x' },
    { status: 'partial', reason: 'x' },
  ]
  for (const body of [
    ...bad,
    { status: 'completed', remains: 4, reason: 'x' },
    { status: 'partial', remains: -1, reason: 'x' },
  ]) {
    expect(await ask('POST', path, body)).toMatchObject({ status: 400, body: { code: 'invalid_request' } })
  }
  const all = String(order.quantity)
  expect(await ask('POST', path, { status: 'partial', remains: all, reason: 'x' })).toMatchObject({
    status: 422,
    body: { code: 'remains_out_of_range' },
  })
  expect(await ask('POST', path, { status: 'partial', remains: 1, reason: 'Lost.' })).toMatchObject({
    status: 200,
    body: { state: 'partial', user_visible_status: 'Partial', reason: 'forced', detail: 'Lost.', remains: '1' },
  })
  expect(await ask('POST', path, { status: 'completed', reason: 'x' })).toMatchObject({ status: 409 })
  expect(await ask('POST', '/api/admin/orders/999999/force', { status: 'completed', reason: 'x' })).toMatchObject({
    status: 404,
  })
})
