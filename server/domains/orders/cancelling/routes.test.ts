import { expect, onTestFinished, test } from 'vitest'
import { openDoors } from '#test/support/doors.ts'
import { claim, dispatched, expectSound, orderNow, placed, REFUSED, TIMED_OUT } from '#test/support/order-book.ts'
import { staffWith } from '#test/support/staff.ts'
import { startOrderWork } from '../jobs.ts'
import type { Order } from '../order.ts'

async function setup() {
  const doors = await openDoors()
  const { id, key } = await doors.customer()
  const form = async (fields: Record<string, string>, of = key) => {
    const body = new URLSearchParams({ key: of, action: 'cancel', ...fields })
    return (await fetch(`${doors.url}/api/v2`, { method: 'POST', body })).text()
  }
  const rest = async (path: string, body?: unknown, of = key) => {
    const headers = { 'x-api-key': of, ...(body !== undefined && { 'content-type': 'application/json' }) }
    const text = body === undefined ? null : JSON.stringify(body)
    const response = await fetch(doors.url + path, { method: 'POST', headers, body: text })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }
  return { ...doors, customer: id, anotherCustomer: doors.customer, form, rest }
}

test('the panels’ form answers a row for each order, 1 or a refusal, of one as of many', async () => {
  const { shop, customer, form, anotherCustomer } = await setup()
  const stranger = await anotherCustomer()
  const theirs = await dispatched(shop, stranger.id)
  const [mine, other] = (await placed(shop, customer, 2)) as [Order, Order]
  await claim(shop)
  const none = '{"error":"Incorrect order ID"}'
  await shop.app.db.query(`update catalog.service set cancel = false`)
  const answer = await form({ orders: `${mine.id}, ${mine.id},,x,${theirs.id}` })
  const refused = '{"error":"Cancel is not available for this order"}'
  expect(answer).toBe(
    `[{"order":${mine.id},"cancel":${refused}},{"order":"x","cancel":${none}},{"order":${theirs.id},"cancel":${none}}]`,
  )
  await shop.app.db.query(`update catalog.service set cancel = true`)
  expect(await form({ orders: `${mine.id}` })).toBe(`[{"order":${mine.id},"cancel":1}]`)
  expect(await form({ order: `${other.id}` })).toBe(`[{"order":${other.id},"cancel":1}]`)
  const [queued] = (await placed(shop, customer)) as [Order]
  expect(await form({ order_id: `${queued.id}` })).toBe(`[{"order":${queued.id},"cancel":1}]`)
  expect(await form({ order_id: `${queued.id}` })).toBe(`[{"order":${queued.id},"cancel":${refused}}]`)
  expect(await form({})).toBe(none)
  const hundred = Array.from({ length: 101 }, (_, i) => i + 1_000)
  expect(await form({ orders: hundred.join() })).toBe('{"error":"No more than 100 IDs at once"}')
  expect(await form({ orders: `${queued.id}` }, (await anotherCustomer('1', { scopes: ['read'] })).key)).toBe(
    '{"error":"This API key does not allow this action"}',
  )
  await expectSound(shop.app)
})

test('whatever an order is in truth, its customer reads the same of all that are Pending', async () => {
  const { shop, customer, rest } = await setup()
  const open = [
    await dispatched(shop, customer),
    await dispatched(shop, customer, TIMED_OUT),
    await dispatched(shop, customer, REFUSED),
  ]
  const answers = await Promise.all(open.map(({ id }) => rest(`/api/v1/orders/${id}/cancel`)))
  expect(answers.map(({ body }) => (body.order as { status: string }).status)).toEqual([
    'Pending',
    'Pending',
    'Canceled',
  ])
  expect(JSON.stringify(answers)).not.toMatch(/failed|unknown|queued|provider|reason|attempt/i)
})

test('over REST one or many, each with its outcome', async () => {
  const { shop, customer, rest, anotherCustomer } = await setup()
  const open = await dispatched(shop, customer)
  const [queued, second] = (await placed(shop, customer, 2)) as [Order, Order]
  expect(await rest(`/api/v1/orders/${queued.id}/cancel`)).toMatchObject({
    status: 200,
    body: { outcome: 'cancelled', order: { id: String(queued.id), status: 'Canceled', charge: '0.00' } },
  })
  expect(await rest(`/api/v1/orders/${queued.id}/cancel`)).toMatchObject({ status: 409, body: { code: 'order_ended' } })
  for (const path of ['/api/v1/orders/999999/cancel', '/api/v1/orders/x/cancel']) {
    expect(await rest(path)).toMatchObject({ status: 404, body: { code: 'order_not_found' } })
  }
  const stranger = await anotherCustomer()
  expect(await rest(`/api/v1/orders/${open.id}/cancel`, undefined, stranger.key)).toMatchObject({ status: 404 })
  expect((await rest('/api/v1/cancel', { orders: [String(open.id), Number(second.id), 'x'] })).body).toEqual({
    data: [
      { id: String(open.id), ok: true, outcome: 'requested', code: null },
      { id: String(second.id), ok: true, outcome: 'cancelled', code: null },
      { id: 'x', ok: false, outcome: null, code: 'order_not_found' },
    ],
  })
  for (const body of [
    {},
    { orders: [] },
    { orders: Array(101).fill('1') },
    { orders: ['1'], force: true },
    { orders: 1 },
  ]) {
    expect(await rest('/api/v1/cancel', body)).toMatchObject({ status: 400, body: { code: 'invalid_request' } })
  }
  await expectSound(shop.app)
})

test('staff cancel anyone’s, see each wish with its answer, and workers carry it out', async () => {
  const { shop, url, customer } = await setup()
  const { ask, user_id } = await staffWith(shop.app, url, ['orders:cancel', 'orders:read'])
  const work = startOrderWork(shop.app, shop.providers)
  onTestFinished(() => work.stop())
  const [{ id }] = (await placed(shop, customer)) as [Order]
  await expect.poll(async () => (await orderNow(shop, id)).state, { timeout: 20_000 }).toBe('pending')
  expect(await ask('POST', `/api/admin/orders/${id}/cancel`)).toMatchObject({
    status: 200,
    body: { outcome: 'requested', order: { state: 'pending' } },
  })
  await expect.poll(async () => (await orderNow(shop, id)).state, { timeout: 20_000 }).toBe('cancelled')
  expect((await ask('GET', `/api/admin/orders/${id}`)).body.cancel_requests).toMatchObject([
    { state: 'accepted', asked_by: `staff:${user_id}`, attempts: 1, code: null, message: null },
  ])
  expect(await ask('POST', `/api/admin/orders/${id}/cancel`)).toMatchObject({ status: 409 })
  expect(await ask('POST', '/api/admin/orders/x/cancel')).toMatchObject({ status: 404 })
  const other = await staffWith(shop.app, url, ['orders:read'])
  expect(await other.ask('POST', `/api/admin/orders/${id}/cancel`)).toMatchObject({ status: 403 })
})
