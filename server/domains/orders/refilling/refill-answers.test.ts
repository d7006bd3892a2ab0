import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { RefillOutcome, RefillRow } from '#server/domains/providers/provider.ts'
import { atBarrier } from '#test/support/barrier.ts'
import { acceptedAs, dispatched, told } from '#test/support/order-book.ts'
import { openShop } from '#test/support/shop.ts'
import { recordStatuses } from '../following/record-statuses.ts'
import type { Order } from '../order.ts'
import { decideRefill } from './decide-refill.ts'
import { afterRow, pollRefills } from './poll-refills.ts'
import { listRefills, refillsOf } from './queries.ts'
import { type RefillAnswer, recordRefills } from './record-refills.ts'
import { type Refill, waitsForStaff } from './refill.ts'
import { refillOrders } from './refill-orders.ts'
import { reportRefills } from './report-refills.ts'
import { claimRefills, sendRefills, sweepRefills } from './send-refills.ts'

// Answers about refills that come late, that say nothing, or that say what cannot be.

const STAFF = { kind: 'user', user_id: 5n } as const
const MIGRATION = join(import.meta.dirname, '../../../../db/migrations/0091_orders_refill_numbers.sql')

async function setup() {
  const shop = await openShop()
  const { app, providers, provider_id, control } = shop
  await app.db.query(`update catalog.service set refill = true`)
  await control.pace({ complete_ms_min: 3_600_000, complete_ms_max: 3_600_000 })
  const { id: customer } = await shop.customer('1000')
  const provider = await providers.providerById(provider_id)
  /** An order done two days ago by the panel, of which a refill is asked for. */
  const asked = async (): Promise<Order> => {
    const link = `https://example.com/${Math.random()}`
    const { ids } = await control.enterOrders([{ service: '201', link, quantity: '100' }])
    const number = ids[0] ?? ''
    await control.finish(number, { status: 'Completed', remains: 0 })
    const order = await dispatched(shop, customer, acceptedAs(number, 1n))
    await recordStatuses(app, [{ order_id: order.id, row: told('completed', { charge: 1n }) }])
    await app.db.query(`update orders.orders set finished_at = now() - interval '2 days' where id = $1`, [order.id])
    expect((await refillOrders(app, [order.id], { customer_id: customer }))[0]).toMatchObject({ ok: true })
    return order
  }
  const send = () => sendRefills(app, providers, provider_id)
  const poll = async () => {
    await app.db.query(
      `update orders.refill set next_try_at = now() - interval '1 second' where next_try_at is not null`,
    )
    await pollRefills(app, providers, provider_id)
  }
  const last = async (order: Order) => (await refillsOf(app.db, order.id)).at(-1) as Refill
  const answer = (refill: Refill, outcome: RefillOutcome): RefillAnswer => ({
    order_id: refill.order_id,
    refill,
    outcome,
  })
  return { shop, app, control, provider, asked, send, poll, last, answer }
}

const numbered = (provider_refill_id: string): RefillOutcome => ({ outcome: 'accepted', provider_refill_id })

test('an answer that comes after its sender was given up is the answer, unless staff have decided', async () => {
  const { app, provider, asked, last, answer } = await setup()
  const [late, decided] = [await asked(), await asked()]
  const claimed = await claimRefills(app, provider)
  expect(claimed).toHaveLength(2)
  await app.db.query(`update orders.refill set claimed_until = now() - interval '1 second'`)
  expect(await sweepRefills(app)).toBe(2)
  expect(await sweepRefills(app)).toBe(0)
  expect(await last(late)).toMatchObject({ state: 'unknown', code: 'interrupted', waiting_since: expect.any(Date) })
  await decideRefill(app, (await last(decided)).id, { kind: 'reject', reason: 'Seen to.' }, STAFF)
  const answers = claimed.map((refill) => answer(refill, numbered(`9${refill.id}`)))
  await recordRefills(app, answers)
  await recordRefills(app, answers)
  expect(await last(late)).toMatchObject({ state: 'pending', code: null, waiting_since: null, version: 4n })
  expect(await last(decided)).toMatchObject({ state: 'rejected', provider_refill_id: null })
})

test('a poll that tells nothing new writes nothing that anyone sees', async () => {
  const { app, control, asked, send, poll, last } = await setup()
  const order = await asked()
  await send()
  await poll()
  const first = await last(order)
  expect(first).toMatchObject({ state: 'pending', provider_status: 'Pending' })
  const events = async () =>
    (await app.db.query(`select 1 from platform.outbox where type = 'orders.refills_changed'`)).length
  const told_before = await events()
  await poll()
  expect(await last(order)).toEqual({ ...first, next_try_at: expect.any(Date) })
  expect((await last(order)).next_try_at?.getTime()).toBeGreaterThan(Date.now())
  // What it does not say again and again is written once.
  await control.setFaults({ refill_status_unknown: 1 })
  await poll()
  const unread = await last(order)
  expect(unread).toMatchObject({ state: 'pending', provider_status: 'Pending', code: 'status_unreadable' })
  await poll()
  expect(await last(order)).toEqual({ ...unread, failed_checks: 0, next_try_at: expect.any(Date) })
  await control.setFaults({})
  await poll()
  expect(await last(order)).toMatchObject({ state: 'pending', code: null, message: null, failed_checks: 0 })
  expect(await events()).toBe(told_before)
})

/** Asked for long ago, and in progress until its provider knows it no more, ten polls in a row. */
async function flagged() {
  const setting = await setup()
  const { app, asked, send, poll, last } = setting
  const order = await asked()
  await send()
  await app.db.query(
    `update orders.refill set provider_refill_id = '777', state = 'in_progress', asked_at = now() - interval '30 days'`,
  )
  for (let polls = 1; polls < 10; polls++) await poll()
  expect(await last(order)).toMatchObject({ failed_checks: 9, waiting_since: null })
  await poll()
  return { ...setting, order, refill: await last(order) }
}

test('a refill that its provider does not know ten times in a row waits for staff, and stays what its customer was told', async () => {
  const { app, poll, last, order, refill } = await flagged()
  expect(refill).toMatchObject({ state: 'in_progress', code: 'status_not_found', failed_checks: 10 })
  // Since then, and not since it was asked for.
  expect(refill.waiting_since?.getTime()).toBeGreaterThan(Date.now() - 60_000)
  expect(await reportRefills(app.db)).toMatchObject([{ depth: 0 }, { depth: 1, oldest_at: refill.waiting_since }])
  expect((await listRefills(app.db, { waiting: true }, { limit: 10 })).refills).toMatchObject([{ id: refill.id }])
  expect((await listRefills(app.db, { waiting: false }, { limit: 10 })).refills).toEqual([])
  await poll()
  expect(await last(order)).toEqual({ ...refill, failed_checks: 11, next_try_at: expect.any(Date) })
  // Nor does an answer to the sending itself change it, which has had its own.
  const before = await last(order)
  await recordRefills(app, [{ order_id: order.id, refill: before, outcome: numbered('3') }])
  expect(await last(order)).toEqual(before)
  const placed = { kind: 'placed', provider_refill_id: '1', reason: 'Found there.' } as const
  expect(await decideRefill(app, refill.id, placed, STAFF)).toMatchObject({ ok: true })
  expect(await last(order)).toMatchObject({ state: 'in_progress', provider_refill_id: '1', waiting_since: null })
  await poll()
  expect(await last(order)).toMatchObject({
    state: 'pending',
    provider_status: 'Pending',
    failed_checks: 0,
    code: null,
  })
})

test('one that waits for staff waits no more when its provider knows it again', async () => {
  const { app, poll, last, order, refill } = await flagged()
  await app.db.query(`update orders.refill set provider_refill_id = '1' where id = $1`, [refill.id])
  await poll()
  expect(await last(order)).toMatchObject({ state: 'pending', code: null, failed_checks: 0, waiting_since: null })
  expect(await reportRefills(app.db)).toMatchObject([{ depth: 0 }, { depth: 0 }])
})

test('ten polls in a row that do not know it make it wait for staff, one good row among them does not, and what cannot be read counts for nothing', () => {
  const now = new Date()
  const rowOf = (reason: Extract<RefillRow, { ok: false }>['reason']): RefillRow => ({
    ok: false,
    reason,
    message: 'x',
  })
  const unknown = (['not_found', 'error', 'missing'] as const).map(rowOf)
  const rubbish = rowOf('unreadable')
  const after = (rows: readonly RefillRow[]) => {
    const refill = { state: 'in_progress', asked_at: now, failed_checks: 0, provider_status: 'In progress' } as Refill
    for (const row of rows) Object.assign(refill, afterRow(refill, row, now))
    return { ...refill, waits: waitsForStaff(refill) }
  }
  const good: RefillRow = { ok: true, status: 'in_progress', raw_status: 'In progress' }
  const nine = Array.from({ length: 9 }, (_, i) => unknown[i % 3] as RefillRow)
  const standing = { state: 'in_progress', provider_status: 'In progress' }
  expect(after(nine)).toMatchObject({ ...standing, failed_checks: 9, waits: false })
  for (const row of unknown) expect(after([...nine, row])).toMatchObject({ ...standing, waits: true })
  expect(after([...nine, good, ...nine])).toMatchObject({ failed_checks: 9, waits: false })
  expect(after([...nine, rubbish])).toMatchObject({ code: 'status_unreadable', failed_checks: 9, waits: false })
  expect(after([...nine, rubbish, rowOf('not_found')]).waits).toBe(true)
  expect(after(Array.from({ length: 30 }, () => rubbish))).toMatchObject({ failed_checks: 0, waits: false })
  expect(after(Array.from({ length: 40_000 }, () => rowOf('missing'))).failed_checks).toBe(32_767)
})

test('while a provider answers rubbish about its refills they wait for it, and for staff only after days, and go on when it is back', async () => {
  const { app, control, provider, asked, send, poll, last } = await setup()
  const order = await asked()
  await send()
  for (const fault of ['html', 'http_5xx', 'bad_json'] as const) {
    await control.setFaults({ [fault]: { probability: 1, actions: ['refill_status'] } })
    for (let polls = 1; polls <= 4; polls++) {
      await poll()
      // What else is read of it goes well, so that its breaker stays shut and every poll is made.
      await provider.balance()
    }
    expect(await last(order)).toMatchObject({ state: 'pending', code: 'status_unreadable', waiting_since: null })
  }
  // Those that should long have been done wait for staff all the same.
  await app.db.query(`update orders.refill set asked_at = now() - interval '73 hours'`)
  for (let polls = 1; polls <= 10; polls++) {
    expect(await last(order)).toMatchObject({ failed_checks: polls - 1, waiting_since: null })
    await poll()
    await provider.balance()
  }
  expect(await last(order)).toMatchObject({ state: 'pending', waiting_since: expect.any(Date) })
  await control.setFaults({})
  await control.pace({ complete_ms_min: 0, complete_ms_max: 0 })
  await poll()
  expect(await last(order)).toMatchObject({ state: 'completed', code: null, failed_checks: 0, waiting_since: null })
})

test('a number that is another refill’s is none: staff look into it, and the others go on', async () => {
  const { app, provider, asked, last, answer } = await setup()
  const [first, twice, again, fine] = [await asked(), await asked(), await asked(), await asked()]
  const sent = await claimRefills(app, provider)
  const of = (order: Order) => sent.find(({ order_id }) => order_id === order.id) as Refill
  await recordRefills(app, [answer(of(first), numbered('12'))])
  await recordRefills(app, [
    answer(of(twice), numbered('12')),
    answer(of(fine), numbered('13')),
    answer(of(again), numbered('13')),
  ])
  expect(await last(first)).toMatchObject({ state: 'pending', provider_refill_id: '12' })
  expect(await last(fine)).toMatchObject({ state: 'pending', provider_refill_id: '13' })
  for (const [order, number] of [
    [twice, '12'],
    [again, '13'],
  ] as const) {
    expect(await last(order)).toMatchObject({
      state: 'unknown',
      code: 'refill_number_taken',
      message: expect.stringContaining(number),
      provider_refill_id: null,
    })
  }
  const placed = (provider_refill_id: string) =>
    last(twice).then(({ id }) => decideRefill(app, id, { kind: 'placed', provider_refill_id, reason: 'x' }, STAFF))
  expect(await placed('13')).toMatchObject({ ok: false, code: 'refill_number_taken' })
  expect(await placed('14')).toMatchObject({ ok: true, refill: { state: 'pending', provider_refill_id: '14' } })
})

test('of two refills that are told the same number at once one gets it, and the table holds it', async () => {
  const { app, provider, asked, last, answer } = await setup()
  const orders = [await asked(), await asked()] as const
  const sent = await claimRefills(app, provider)
  const lock = (tx: { query: typeof app.db.query }) => tx.query('select 1 from orders.refill for update')
  await atBarrier(
    app.db,
    lock,
    sent.map((refill) => () => recordRefills(app, [answer(refill, numbered('12'))])),
  )
  const states = await Promise.all(orders.map(async (order) => (await last(order)).state))
  expect(states.sort()).toEqual(['pending', 'unknown'])
  await expect(app.db.query(`update orders.refill set provider_refill_id = '12'`)).rejects.toThrow(
    'refill_provider_once',
  )
})

test('numbers that several refills had before are the first one’s, by the migration', async () => {
  const { app, asked, last, provider, answer } = await setup()
  const [first, open, done] = [await asked(), await asked(), await asked()]
  const sent = await claimRefills(app, provider)
  await recordRefills(
    app,
    sent.map((refill, i) => answer(refill, numbered(String(12 + i)))),
  )
  await decideRefill(app, (await last(done)).id, { kind: 'complete', reason: 'Seen to.' }, STAFF)
  await app.db.query('drop index orders.refill_provider_once')
  await app.db.query(`update orders.refill set provider_refill_id = '12'`)
  await app.db.query(await readFile(MIGRATION, 'utf8'))
  expect(await last(first)).toMatchObject({ state: 'pending', provider_refill_id: '12', code: null })
  expect(await last(open)).toMatchObject({ state: 'unknown', provider_refill_id: null, code: 'refill_number_taken' })
  expect(await last(done)).toMatchObject({ state: 'completed', provider_refill_id: null, waiting_since: null })
})
