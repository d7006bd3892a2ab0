import { describe, expect, onTestFinished, test } from 'vitest'
import type { Tx } from '#server/platform/db/database.ts'
import { atBarrier } from '#test/support/barrier.ts'
import { type Doors, openDoors } from '#test/support/doors.ts'
import { dispatched, expectSound, orderNow, placed, REFUSED, TIMED_OUT } from '#test/support/order-book.ts'
import { staffWith } from '#test/support/staff.ts'
import { startOrderWork } from '../jobs.ts'
import type { Order } from '../order.ts'

const RIGHTS = ['orders:read', 'orders:resubmit', 'orders:resolve', 'orders:sync', 'providers:check-balance']

async function setup() {
  const doors = await openDoors()
  const customer = await doors.customer()
  const { ask, user_id } = await staffWith(doors.shop.app, doors.url, RIGHTS)
  return {
    ...doors,
    app: doors.shop.app,
    anotherCustomer: () => doors.customer(),
    customer,
    staff: user_id,
    ask,
    own: asking(doors, customer.key),
  }
}

function asking({ url }: Pick<Doors, 'url'>, key: string) {
  return async (path: string) => {
    const response = await fetch(url + path, { headers: { 'x-api-key': key } })
    return { status: response.status, body: JSON.parse(await response.text()) }
  }
}

/** Holds the order, as whoever changes it does. */
const lock = (id: bigint) => (tx: Tx) => tx.query('select 1 from orders.orders where id = $1 for update', [id])

test('staff see the truth and the customer sees Pending, of one failed order, at every door', async () => {
  const { shop, url, customer, ask, own } = await setup()
  await shop.control.setBalance('0')
  const work = startOrderWork(shop.app, shop.providers)
  onTestFinished(() => work.stop())
  const [{ id }] = (await placed(shop, customer.id)) as [Order]
  await expect.poll(async () => (await orderNow(shop, id)).state, { timeout: 20_000 }).toBe('failed')
  const truth = {
    id: String(id),
    admin_visible_status: 'failed_insufficient_balance',
    user_visible_status: 'Pending',
    state: 'failed',
    balance_check_status: 'insufficient',
  }
  expect((await ask('GET', '/api/admin/orders?state=failed')).body.data).toMatchObject([truth])
  expect((await ask('GET', '/api/admin/orders?user_visible_status=Pending')).body.data).toMatchObject([truth])
  const detail = await ask('GET', `/api/admin/orders/admin-status/${id}`)
  expect(detail.body).toMatchObject(truth)
  expect(detail.body.history.at(0)).toMatchObject({ kind: 'placed', to: 'queued' })
  expect(detail.body.history.at(-1)).toMatchObject({ to: 'failed', by: 'system' })
  expect((await ask('GET', `/api/admin/orders/${id}`)).body).toMatchObject(truth)

  expect((await own(`/api/orders/user-status/${id}`)).body).toMatchObject({ user_visible_status: 'Pending' })
  for (const path of ['/api/user/orders', '/api/v1/orders?status=Pending']) {
    expect((await own(path)).body.data).toMatchObject([{ id: String(id), status: 'Pending' }])
  }
  expect((await own('/api/v1/orders?status=Canceled')).body.data).toEqual([])
  const panel = await fetch(`${url}/api/v2`, {
    method: 'POST',
    body: new URLSearchParams({ key: customer.key, action: 'status', order: String(id) }),
  })
  expect(await panel.json()).toMatchObject({ status: 'Pending' })

  await shop.control.setBalance('1000')
  expect(await ask('POST', `/api/admin/orders/${id}/resubmit`)).toMatchObject({ status: 200 })
  await expect.poll(async () => (await orderNow(shop, id)).state, { timeout: 20_000 }).toBe('pending')
  const callsOf = async () => (await ask('GET', `/api/admin/orders/${id}`)).body.calls
  await expect.poll(callsOf, { timeout: 20_000 }).not.toEqual([])
  const calls = await callsOf()
  expect(calls.at(-1)).toMatchObject({ action: 'add', http_status: 200, outcome: 'accepted' })
  expect(JSON.stringify(calls)).not.toContain('panel-key')
})

test('a customer filters by what they see, whatever is behind it, and another’s orders are nowhere', async () => {
  const { shop, url, customer, anotherCustomer, own, ask } = await setup()
  const stranger = await anotherCustomer()
  const failed = await dispatched(shop, customer.id, REFUSED)
  const unknown = await dispatched(shop, customer.id, TIMED_OUT)
  const open = await dispatched(shop, customer.id)
  await ask('POST', `/api/admin/orders/${unknown.id}/resolve`, { kind: 'refund' })
  const idsAt = async (status: string) =>
    (await own(`/api/v1/orders?status=${status}`)).body.data.map(({ id }: { id: string }) => id)
  expect(await idsAt('Pending')).toEqual([String(open.id), String(failed.id)])
  expect(await idsAt('Canceled')).toEqual([String(unknown.id)])
  expect(await idsAt('Completed')).toEqual([])
  expect(await own('/api/v1/orders?status=failed')).toMatchObject({
    status: 400,
    body: { errors: [{ field: 'status' }] },
  })
  const others = asking({ url }, stranger.key)
  expect((await others('/api/user/orders')).body.data).toEqual([])
  expect(await others(`/api/orders/user-status/${open.id}`)).toMatchObject({ status: 404 })
  const first = await own('/api/v1/orders?status=Pending&limit=1')
  expect(first.body).toMatchObject({ has_more: true, data: [{ id: String(open.id) }] })
  const next = await own(`/api/v1/orders?status=Pending&limit=1&cursor=${first.body.next_cursor}`)
  expect(next.body).toMatchObject({ has_more: false, data: [{ id: String(failed.id) }] })
})

describe('sending again', () => {
  test('one, by whoever presses first of many; the others are told that it is not failed', async () => {
    const { shop, app, customer, staff, ask } = await setup()
    const { id } = await dispatched(shop, customer.id, REFUSED)
    const answers = await atBarrier(
      app.db,
      lock(id),
      Array.from({ length: 4 }, () => () => ask('POST', `/api/admin/orders/${id}/resubmit`)),
    )
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 409, 409, 409])
    expect(await orderNow(shop, id)).toMatchObject({ state: 'queued', resubmits: 1 })
    const seen = (await ask('GET', `/api/admin/orders/${id}`)).body
    expect(seen).toMatchObject({ admin_visible_status: 'resubmitted', resubmit_count: 1 })
    expect(seen.history.at(-1)).toMatchObject({ kind: 'resubmitted', by: `staff:${staff}` })
    await expectSound(app)
  })

  test('not without the provider’s balance, which is told', async () => {
    const { shop, customer, ask } = await setup()
    const { id } = await dispatched(shop, customer.id, REFUSED)
    await shop.control.setBalance('0.001')
    const refused = await ask('POST', `/api/admin/orders/${id}/resubmit`)
    expect(refused).toMatchObject({ status: 400, body: { code: 'insufficient_provider_balance', balance: '0.001' } })
    expect((await ask('POST', '/api/admin/orders/resubmit', { order_ids: [String(id)] })).body.data).toMatchObject([
      { id: String(id), ok: false, code: 'insufficient_provider_balance', balance: '0.001' },
    ])
    await shop.control.setFaults({ html: 1 })
    expect(await ask('POST', `/api/admin/orders/${id}/resubmit`)).toMatchObject({ status: 502 })
    expect((await orderNow(shop, id)).state).toBe('failed')
  })

  test('not at a loss, unless that is accepted', async () => {
    const { shop, customer, ask } = await setup()
    const { id } = await dispatched(shop, customer.id, REFUSED)
    await shop.app.db.query('update catalog.service set cost = rate + 1000, cost_usd = rate + 1000')
    const path = `/api/admin/orders/${id}/resubmit`
    expect(await ask('POST', path)).toMatchObject({ status: 409, body: { code: 'cost_above_price' } })
    expect(await ask('POST', path, { accept_loss: 'yes' })).toMatchObject({ status: 400 })
    const order_ids = [String(id)]
    const many = await ask('POST', '/api/admin/orders/resubmit', { order_ids })
    expect(many.body.data).toMatchObject([{ ok: false, code: 'cost_above_price' }])
    expect(await ask('POST', path, { accept_loss: true })).toMatchObject({ status: 200, body: { ok: true } })
    expect((await ask('GET', `/api/admin/orders/${id}`)).body.accepted_cost).toMatch(/^\d+\.\d+$/)
  })

  test('by hand, as the order document names it: what failed goes again, what is queued goes anyway', async () => {
    const { shop, customer, ask } = await setup()
    const failed = await dispatched(shop, customer.id, REFUSED)
    const open = await dispatched(shop, customer.id)
    const [queued] = (await placed(shop, customer.id)) as [Order]
    const order_ids = [queued.id, failed.id, open.id, 999_999n].map(String)
    const path = '/api/orders/place-to-provider'
    const outcomes = [
      { id: String(queued.id), ok: true },
      { id: String(failed.id), ok: true },
      { ok: false, code: 'order_not_failed' },
      { ok: false, code: 'order_not_found' },
    ]
    expect((await ask('POST', path, { order_ids })).body.data).toMatchObject(outcomes)
    expect((await ask('POST', path, { order_ids })).body.data).toMatchObject(outcomes)
    expect(await orderNow(shop, queued.id)).toMatchObject({ state: 'queued', resubmits: 0, version: 1n })
    expect(await orderNow(shop, failed.id)).toMatchObject({ state: 'queued', resubmits: 1 })
    expect(await ask('POST', path, {})).toMatchObject({ status: 400 })
  })

  test('of many, each with its outcome; what is asked wrongly names its field', async () => {
    const { shop, customer, ask } = await setup()
    const failed = await dispatched(shop, customer.id, REFUSED)
    const open = await dispatched(shop, customer.id)
    const order_ids = [failed.id, open.id, 999_999n].map(String)
    expect((await ask('POST', '/api/admin/orders/resubmit', { order_ids })).body.data).toMatchObject([
      { ok: true },
      { ok: false, code: 'order_not_failed' },
      { ok: false, code: 'order_not_found' },
    ])
    for (const body of [{}, { order_ids: [] }, { order_ids: ['x'] }, { order_ids: ['1'], force: true }]) {
      expect(await ask('POST', '/api/admin/orders/resubmit', body)).toMatchObject({ status: 400 })
    }
    expect(await ask('POST', '/api/admin/orders/999999/resubmit')).toMatchObject({ status: 404 })
  })
})

test('what became of an order that waits is said once, and only in a form that makes sense', async () => {
  const { shop, app, customer, ask } = await setup()
  const { id } = await dispatched(shop, customer.id, TIMED_OUT)
  const path = `/api/admin/orders/${id}/resolve`
  expect(await ask('POST', path, { kind: 'placed' })).toMatchObject({ status: 400 })
  expect(await ask('POST', path, { kind: 'lost' })).toMatchObject({ status: 400 })
  expect(await ask('POST', '/api/admin/orders/0/resolve', { kind: 'refund' })).toMatchObject({ status: 404 })
  const answers = await atBarrier(app.db, lock(id), [
    () => ask('POST', path, { kind: 'placed', provider_order_id: '4711' }),
    () => ask('POST', path, { kind: 'refund' }),
    () => ask('POST', path, { kind: 'resend' }),
  ])
  expect(answers.map((answer) => answer.status).sort()).toEqual([200, 409, 409])
  await expectSound(app)
})

test('providers are asked for our balance: one, all, one that cannot be asked, and none of that number', async () => {
  const { shop, ask } = await setup()
  await shop.control.setBalance('12.5')
  const known = { provider_id: String(shop.provider_id), status: 'ok', balance: '12.50', currency: 'USD' }
  const one = await ask('POST', '/api/providers/check-balance', { provider_id: String(shop.provider_id) })
  expect(one.body.data).toMatchObject([known])
  expect((await ask('POST', '/api/providers/check-balance')).body.data).toMatchObject([known])
  expect(await ask('POST', '/api/providers/check-balance', { provider_id: '999' })).toMatchObject({ status: 404 })
  await shop.control.setFaults({ html: 1 })
  // Beyond the moment for which an answer is remembered.
  await expect
    .poll(async () => (await ask('POST', '/api/providers/check-balance')).body.data, { timeout: 20_000, interval: 300 })
    .toMatchObject([{ status: 'unavailable', balance: null }])
})

test('orders are asked about on demand: named ones, a provider’s, all, and none twice in a row', async () => {
  const { shop, app, customer, ask } = await setup()
  const orders = [await dispatched(shop, customer.id), await dispatched(shop, customer.id)]
  const later = () =>
    app.db.query(`update orders.orders set next_check_at = now() + interval '1 hour', checked_at = null`)
  await later()
  const named = { order_ids: [String(orders[0]?.id)] }
  expect((await ask('POST', '/api/admin/provider-sync', named)).body).toEqual({ due: 1, more: false })
  expect((await ask('POST', '/api/admin/provider-sync', named)).body).toEqual({ due: 0, more: false })
  await later()
  const of = (provider_id: bigint) => ({ provider_id: String(provider_id) })
  expect((await ask('POST', '/api/admin/provider-sync', of(999n))).body).toEqual({ due: 0, more: false })
  expect((await ask('POST', '/api/admin/provider-sync', of(shop.provider_id))).body).toEqual({ due: 2, more: false })
  await later()
  expect((await ask('GET', '/api/cron/sync-provider-orders')).body).toEqual({ due: 2, more: false })
  await app.db.query(`update orders.orders set next_check_at = now() + interval '1 hour', checked_at = now()`)
  expect((await ask('GET', '/api/cron/sync-provider-orders')).body).toEqual({ due: 0, more: false })
})

test('a list names what is wrong with its filters', async () => {
  const { ask } = await setup()
  for (const query of [
    'state=lost',
    'customer=x',
    'provider=0',
    'from=yesterday',
    'limit=0',
    'user_visible_status=failed',
  ]) {
    const answer = await ask('GET', `/api/admin/orders?${query}`)
    expect(answer).toMatchObject({
      status: 400,
      body: { errors: [{ field: expect.stringContaining(query.split('=')[0] as string) }] },
    })
  }
  expect(await ask('GET', '/api/admin/orders?cursor=zzz')).toMatchObject({
    status: 400,
    body: { code: 'invalid_cursor' },
  })
  expect((await ask('GET', '/api/admin/orders/counts')).body).toEqual({ data: [], complete: true })
})
