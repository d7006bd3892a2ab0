import { expect, onTestFinished, test } from 'vitest'
import type { RefillOutcome as ProviderOutcome } from '#server/domains/providers/provider.ts'
import type { Tx } from '#server/platform/db/database.ts'
import { actsIn } from '#test/support/acts.ts'
import { atBarrier, whileHeld } from '#test/support/barrier.ts'
import { acceptedAs, dispatched, expectSound, told } from '#test/support/order-book.ts'
import { openShop } from '#test/support/shop.ts'
import { startAfterSalesWork } from '../after-sales-work.ts'
import type { Asker } from '../asker.ts'
import { cancelOrders } from '../cancelling/cancel-orders.ts'
import { recordStatuses } from '../following/record-statuses.ts'
import type { Order } from '../order.ts'
import { lockOrders } from '../write-orders.ts'
import { decideRefill } from './decide-refill.ts'
import { afterRow, pollRefills } from './poll-refills.ts'
import { refillsOf } from './queries.ts'
import { afterAnswer } from './record-refills.ts'
import type { Refill } from './refill.ts'
import { refillOrders } from './refill-orders.ts'
import { reportRefills } from './report-refills.ts'
import { sendRefills, sweepRefills } from './send-refills.ts'
import { setRefillRule } from './set-refill-rule.ts'

const STAFF = { kind: 'user', user_id: 5n } as const

async function setup() {
  const shop = await openShop()
  const { app, providers, provider_id, control } = shop
  await app.db.query(`update catalog.service set refill = true`)
  const { id: customer } = await shop.customer('1000')
  /** Done by the panel under its own number, so many hours ago. */
  const delivered = async (hours_ago = 48, status: 'completed' | 'partial' = 'completed'): Promise<Order> => {
    const link = `https://example.com/${Math.random()}`
    const { ids } = await control.enterOrders([{ service: '201', link, quantity: '100' }])
    const number = ids[0] ?? ''
    await control.finish(number, {
      status: status === 'partial' ? 'Partial' : 'Completed',
      remains: status === 'partial' ? 40 : 0,
    })
    const order = await dispatched(shop, customer, acceptedAs(number, 1n))
    const remains = status === 'partial' ? order.quantity / 2n : 0n
    await recordStatuses(app, [{ order_id: order.id, row: told(status, { charge: 1n, remains }) }])
    await app.db.query(`update orders.orders set finished_at = now() - make_interval(hours => $2) where id = $1`, [
      order.id,
      hours_ago,
    ])
    return order
  }
  const ask = async (order: Pick<Order, 'id'>, by: Asker = { customer_id: customer }) =>
    (await refillOrders(app, [order.id], by))[0]
  const send = () => sendRefills(app, providers, provider_id)
  const poll = async () => {
    await app.db.query(
      `update orders.refill set next_try_at = now() - interval '1 second' where next_try_at is not null`,
    )
    return pollRefills(app, providers, provider_id)
  }
  const last = async (order: Order) => (await refillsOf(app.db, order.id)).at(-1) as Refill
  return { shop, app, control, customer, delivered, ask, send, poll, last }
}

test('a refill is asked for once, sent once, followed to its end, and its customer told of each step they see', async () => {
  const { shop, app, control, customer, delivered, ask, send, poll, last } = await setup()
  await control.pace({ complete_ms_min: 3_600_000, complete_ms_max: 3_600_000 })
  const order = await delivered(48, 'partial')
  const wallet = await shop.wallet(customer)
  const lock = (tx: { query: typeof app.db.query }) =>
    tx.query('select 1 from orders.orders where id = $1 for update', [order.id])
  const both = await atBarrier(app.db, lock, [() => ask(order), () => ask(order)])
  expect(both.filter((outcome) => outcome?.ok)).toHaveLength(1)
  expect(both.filter((outcome) => outcome && !outcome.ok && outcome.code === 'refill_under_way')).toHaveLength(1)

  await Promise.all([send(), send()])
  expect(await last(order)).toMatchObject({ state: 'pending', provider_refill_id: '1', attempts: 1, number: 1 })
  expect((await control.summary()).refills).toBe(1)
  await poll()
  expect(await last(order)).toMatchObject({ state: 'pending', provider_status: 'Pending', failed_checks: 0 })
  await control.setFaults({ refill_status_unknown: 1 })
  await poll()
  expect(await last(order)).toMatchObject({ state: 'pending', code: 'status_unreadable', failed_checks: 0 })
  await control.setFaults({ html: 1 })
  await poll()
  await control.setFaults({})
  await control.pace({ complete_ms_min: 0, complete_ms_max: 0 })
  await poll()
  expect(await last(order)).toMatchObject({
    state: 'completed',
    code: null,
    ended_at: expect.any(Date),
    next_try_at: null,
  })
  expect(await pollRefills(app, shop.providers, shop.provider_id)).toBe(false)

  const events = await app.db.query<{ payload: { refills: { status: string }[] } }>(
    `select payload from platform.outbox where type = 'orders.refills_changed' order by id`,
  )
  expect(events.flatMap(({ payload }) => payload.refills.map(({ status }) => status))).toEqual(['Pending', 'Completed'])
  expect(await shop.wallet(customer)).toEqual(wallet)
  await expectSound(app)
})

test('a stranger neither waits for another customer’s order nor locks it', async () => {
  const { shop, app, delivered, ask } = await setup()
  const stranger = { customer_id: (await shop.customer()).id }
  const order = await delivered()
  const lock = (tx: Tx) => lockOrders(tx, [order.id])
  const outcome = await whileHeld(app.db, lock, () => ask(order, stranger))
  expect(outcome).toMatchObject({ ok: false, code: 'order_not_found' })
})

test('what no provider has is refused in the words of what has no refill', async () => {
  const { app, delivered, ask } = await setup()
  const [unplaced, unsold] = [await delivered(), await delivered()]
  await app.db.query(`update orders.orders set provider_order_id = null where id = $1`, [unplaced.id])
  const [one] = [await ask(unplaced)]
  await app.db.query(`update catalog.service set refill = false`)
  const other = await ask(unsold)
  if (!one || one.ok || !other || other.ok) throw new Error('both are refused')
  expect(one.code).toBe('refill_not_available')
  expect(one.message).toBe(other.message.replace(String(unsold.id), String(unplaced.id)))
})

test('who may not have one is told why, and the times are those of the service', async () => {
  const { shop, app, customer, delivered, ask, last } = await setup()
  const stranger = await shop.customer()
  const [fresh, old, open] = [await delivered(23), await delivered(31 * 24), await dispatched(shop, customer)]
  const order = await delivered()
  expect(await ask(order, { customer_id: stranger.id })).toMatchObject({ ok: false, code: 'order_not_found' })
  expect(await ask({ id: 999n })).toMatchObject({ ok: false, code: 'order_not_found' })
  expect(await ask(open)).toMatchObject({ ok: false, code: 'order_not_delivered' })
  expect(await ask(fresh)).toMatchObject({ ok: false, code: 'refill_too_early', available_at: expect.any(Date) })
  expect(await ask(old)).toMatchObject({ ok: false, code: 'refill_window_over' })

  const rule = (days: number | null, wait_hours: number | null, manual = false) =>
    setRefillRule(app, order.service_id, { days, wait_hours, manual }, { actor: STAFF, reason: 'Agreed.' })
  await rule(0, 0)
  expect(await ask(fresh)).toMatchObject({ ok: true })
  expect(await ask(old)).toMatchObject({ ok: true })
  await rule(1, null)
  expect(await ask(order)).toMatchObject({ ok: false, code: 'refill_window_over' })
  // Staff may at any time, but not twice at once.
  expect(await ask(order, { staff: STAFF })).toMatchObject({ ok: true })
  expect(await ask(order, { staff: STAFF })).toMatchObject({ ok: false, code: 'refill_under_way' })
  expect(await last(order)).toMatchObject({ asked_by: 'staff:5' })
  await expect(
    setRefillRule(app, 999_999n, { days: 1, wait_hours: 1, manual: false }, { actor: STAFF, reason: 'x' }),
  ).rejects.toMatchObject({ code: 'service_not_found' })

  await app.db.query(`update catalog.service set refill = false`)
  const [other] = [await delivered()]
  expect(await ask(other)).toMatchObject({ ok: false, code: 'refill_not_available' })
  // Where staff see to it, the provider need not know any.
  await rule(null, null, true)
  expect(await ask(other)).toMatchObject({ ok: true, refill: { manual: true, state: 'asked', next_try_at: null } })
  const since = { oldest_at: expect.any(Date) }
  expect(await reportRefills(app.db)).toMatchObject([
    { kind: 'by_hand', stage: 'stuck', depth: 1, ...since },
    { kind: 'unknown', stage: 'stuck', depth: 0, oldest_at: null },
  ])
  await app.db.query(
    `update orders.refill set state = 'unknown', next_try_at = null, waiting_since = now(), code = 'timeout' where order_id = $1`,
    [fresh.id],
  )
  expect(await reportRefills(app.db)).toMatchObject([{ depth: 1 }, { kind: 'unknown', depth: 1, ...since }])
  const actions = (await actsIn(app.db, 'orders.refill')).map(({ action }) => action)
  expect(actions).toEqual([
    'orders.refill_rule_set',
    'orders.refill_rule_set',
    'orders.refill_requested',
    'orders.refill_rule_set',
  ])
})

test('an order has three refills, whatever became of them, which the table holds too', async () => {
  const { app, delivered, ask, last } = await setup()
  const order = await delivered()
  for (const kind of ['complete', 'reject', 'complete'] as const) {
    const asked = await ask(order)
    expect(asked).toMatchObject({ ok: true })
    expect(await decideRefill(app, (await last(order)).id, { kind, reason: 'Seen to.' }, STAFF)).toMatchObject({
      ok: true,
    })
  }
  expect(await ask(order)).toMatchObject({ ok: false, code: 'refill_limit_reached' })
  await expect(
    app.db.query(
      `insert into orders.refill (order_id, customer_id, number, provider_id, manual, state, asked_by, asked_at)
      values ($1, 1, 4, 1, true, 'asked', 'x', now())`,
      [order.id],
    ),
  ).rejects.toThrow('refill_number_check')
})

test('what may have arrived is never sent again, and staff say where it is; what did not is, and a refusal ends it', async () => {
  const { app, control, delivered, ask, send, poll, last } = await setup()
  const [lost, refused, late] = [await delivered(), await delivered(), await delivered()]
  await control.setFaults({ cut_after: { probability: 1, limit: 1 } })
  await ask(lost)
  await send()
  expect(await last(lost)).toMatchObject({ state: 'unknown', code: 'connection_lost' })
  await send()
  expect((await control.summary()).requests.refill).toBe(1)
  expect(await ask(lost)).toMatchObject({ ok: false, code: 'refill_under_way' })
  const placed = { kind: 'placed', provider_refill_id: '1', reason: 'Found there.' } as const
  expect(await decideRefill(app, (await last(lost)).id, placed, STAFF)).toMatchObject({ ok: true })
  await poll()
  expect(await last(lost)).toMatchObject({ state: 'pending', provider_refill_id: '1', decided_by: 'staff:5' })
  expect(await decideRefill(app, (await last(lost)).id, placed, STAFF)).toMatchObject({
    ok: false,
    code: 'refill_not_unknown',
  })

  await control.setFaults({ refill_refused: 1 })
  await ask(refused)
  await send()
  expect(await last(refused)).toMatchObject({
    state: 'rejected',
    code: 'other',
    message: expect.stringMatching(/not available/),
  })

  await control.setFaults({ rate_limit_429: { probability: 1, limit: 1 }, refill_rejected: 1 })
  await ask(late)
  await send()
  expect(await last(late)).toMatchObject({ state: 'asked', code: 'rate_limited', attempts: 1 })
  await app.db.query(`update orders.refill set next_try_at = now() - interval '1 second' where state = 'asked'`)
  await send()
  await control.pace({ complete_ms_min: 0, complete_ms_max: 0 })
  await poll()
  expect(await last(late)).toMatchObject({ state: 'rejected', provider_status: 'Rejected' })
})

test('one refill that cannot be written holds up none of the others', async () => {
  const { app, control, delivered, ask, send, poll, last } = await setup()
  const [unsent, unread, good] = [await delivered(), await delivered(), await delivered()]
  await app.db.query(`
    alter table orders.refill add constraint of_the_test check (
      (order_id <> ${unsent.id} or state <> 'pending') and (order_id <> ${unread.id} or state <> 'completed')
    )`)
  for (const order of [unsent, unread, good]) await ask(order)
  const states = async () => [(await last(unsent)).state, (await last(unread)).state, (await last(good)).state]
  await send()
  expect(await states()).toEqual(['sent', 'pending', 'pending'])
  await control.pace({ complete_ms_min: 0, complete_ms_max: 0 })
  await poll()
  expect(await states()).toEqual(['sent', 'pending', 'completed'])
})

test('while no wish to cancel can be worked on, refills are sent and followed', async () => {
  const { shop, app, control, customer, delivered, ask, last } = await setup()
  await control.pace({ complete_ms_min: 0, complete_ms_max: 0 })
  const [order, open] = [await delivered(), await dispatched(shop, customer)]
  await app.db.query(`alter table orders.cancel_request add constraint of_the_test check (state <> 'sent')`)
  await cancelOrders(app, [open.id], { customer_id: customer })
  await ask(order)
  const work = startAfterSalesWork(app, shop.providers)
  onTestFinished(() => work.stop())
  await expect.poll(async () => (await last(order)).state, { timeout: 20_000 }).toBe('pending')
  await app.db.query(`update orders.refill set next_try_at = now() - interval '1 second'`)
  await expect.poll(async () => (await last(order)).state, { timeout: 20_000 }).toBe('completed')
})

test('staff decide once, and what the provider tells later changes nothing', async () => {
  const { app, control, delivered, ask, send, poll, last } = await setup()
  const order = await delivered()
  await ask(order)
  await send()
  const { id } = await last(order)
  const decide = (kind: 'complete' | 'reject') => decideRefill(app, id, { kind, reason: 'Seen to.' }, STAFF)
  const lock = (tx: { query: typeof app.db.query }) =>
    tx.query('select 1 from orders.refill where id = $1 for update', [id])
  const both = await atBarrier(app.db, lock, [() => decide('reject'), () => decide('reject')])
  expect(both.map((outcome) => outcome.ok).sort()).toEqual([false, true])
  await control.pace({ complete_ms_min: 0, complete_ms_max: 0 })
  await poll()
  expect(await last(order)).toMatchObject({ state: 'rejected', decision_reason: 'Seen to.' })
  expect(await decide('complete')).toMatchObject({ ok: false, code: 'refill_ended' })
  expect(await decideRefill(app, 999n, { kind: 'reject', reason: 'x' }, STAFF)).toMatchObject({
    code: 'refill_not_found',
  })

  const other = await delivered()
  await ask(other)
  await app.db.query(`
    update orders.refill set state = 'sent', next_try_at = null, claimed_until = now() - interval '1 second' where state = 'asked'`)
  expect(await decideRefill(app, (await last(other)).id, { kind: 'reject', reason: 'x' }, STAFF)).toMatchObject({
    code: 'refill_being_sent',
  })
  expect(await sweepRefills(app)).toBe(1)
  expect(await last(other)).toMatchObject({ state: 'unknown', code: 'interrupted' })
})

test('answers and rows, in all their kinds', () => {
  const now = new Date()
  const rejected = (code: string, attempts = 1) =>
    afterAnswer({ attempts }, { outcome: 'rejected', code, message: 'no' } as ProviderOutcome, now)
  for (const code of ['not_sent', 'invalid_key', 'rate_limited']) {
    expect(rejected(code)).toMatchObject({ state: 'asked', code, next_try_at: expect.any(Date) })
    expect(rejected(code, 30)).toMatchObject({ state: 'error', code })
  }
  expect(rejected('other')).toMatchObject({ state: 'rejected' })
  expect(afterAnswer({ attempts: 1 }, { outcome: 'unknown', reason: 'timeout', message: '' }, now)).toMatchObject({
    state: 'unknown',
    code: 'timeout',
  })
  const refill = { asked_at: now, failed_checks: 2 } as Refill
  for (const status of ['pending', 'in_progress', 'completed', 'rejected', 'error'] as const) {
    expect(afterRow(refill, { ok: true, status, raw_status: 'x' }, now)).toMatchObject({
      state: status,
      failed_checks: 0,
    })
  }
  expect(afterRow(refill, { ok: false, reason: 'missing', message: '' }, now)).toMatchObject({
    failed_checks: 3,
    code: 'status_missing',
    message: null,
  })
})
