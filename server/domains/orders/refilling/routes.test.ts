import { expect, test } from 'vitest'
import { openDoors } from '#test/support/doors.ts'
import { dispatched, told } from '#test/support/order-book.ts'
import { staffWith } from '#test/support/staff.ts'
import { recordStatuses } from '../following/record-statuses.ts'

async function setup() {
  const doors = await openDoors()
  const { app } = doors.shop
  await app.db.query(`update catalog.service set refill = true`)
  const { id: customer, key } = await doors.customer('1000')
  const delivered = async () => {
    const order = await dispatched(doors.shop, customer)
    await recordStatuses(app, [{ order_id: order.id, row: told('completed', { charge: 1n }) }])
    await app.db.query(`update orders.orders set finished_at = now() - interval '2 days' where id = $1`, [order.id])
    return order.id
  }
  const form = async (fields: Record<string, string>) => {
    const body = new URLSearchParams({ key, ...fields })
    return (await fetch(`${doors.url}/api/v2`, { method: 'POST', body })).text()
  }
  const rest = async (method: string, path: string, body?: unknown, headers = {}) => {
    const json = body === undefined ? {} : { 'content-type': 'application/json' }
    const text = body === undefined ? null : JSON.stringify(body)
    const response = await fetch(doors.url + path, {
      method,
      headers: { 'x-api-key': key, ...json, ...headers },
      body: text,
    })
    return { status: response.status, body: JSON.parse(await response.text()) }
  }
  return { ...doors, anotherCustomer: doors.customer, app, customer, delivered, form, rest }
}

test('the panels’ form answers one as an object with a text, many as an array with numbers', async () => {
  const { shop, app, customer, delivered, form } = await setup()
  const [one, two, three] = [await delivered(), await delivered(), await delivered()]
  const open = await dispatched(shop, customer)
  await app.db.query(`update orders.orders set finished_at = now() where id = $1`, [three])
  const none = '{"error":"Incorrect order ID"}'
  expect(await form({ action: 'refill', order: String(one) })).toBe('{"refill":"1"}')
  expect(await form({ action: 'refill', order: String(one) })).toBe('{"error":"Refill is already in progress"}')
  expect(await form({ action: 'refill', order: '999' })).toBe(none)
  expect(await form({ action: 'refill', order: String(three) })).toBe(
    '{"error":"Refill is not available for this order yet"}',
  )
  expect(await form({ action: 'refill', orders: `${two},${open.id},999,x` })).toBe(
    `[{"order":${two},"refill":2},{"order":${open.id},"refill":{"error":"Refill is not available for this order"}},` +
      `{"order":999,"refill":${none}},{"order":"x","refill":${none}}]`,
  )
  expect(await form({ action: 'refill_status', refill: '1' })).toBe('{"status":"Pending"}')
  expect(await form({ action: 'refill_status', refill: '3' })).toBe('{"error":"Incorrect refill ID"}')
  await app.db.query(`
    update orders.refill set state = 'unknown', next_try_at = null, code = 'timeout' where id = 1`)
  await app.db.query(`update orders.refill set state = 'error', next_try_at = null, ended_at = now() where id = 2`)
  expect(await form({ action: 'refill_status', refills: '1,2,3' })).toBe(
    '[{"refill":1,"status":"Pending"},{"refill":2,"status":"Error"},{"refill":3,"status":{"error":"Incorrect refill ID"}}]',
  )
  const hundred = Array.from({ length: 101 }, (_, i) => i + 1_000).join()
  for (const fields of [
    { action: 'refill', orders: hundred },
    { action: 'refill_status', refills: hundred },
  ]) {
    expect(await form(fields)).toBe('{"error":"No more than 100 IDs at once"}')
  }
})

test('over REST one or many, safe to repeat, listed page by page, and another’s nowhere', async () => {
  const { delivered, rest, anotherCustomer } = await setup()
  const stranger = await anotherCustomer()
  const [one, two] = [await delivered(), await delivered()]
  const once = { 'idempotency-key': 'refill-1' }
  const asked = await rest('POST', `/api/v1/orders/${one}/refill`, undefined, once)
  expect(asked).toMatchObject({
    status: 201,
    body: { id: '1', order_id: String(one), status: 'Pending', ended_at: null },
  })
  expect(await rest('POST', `/api/v1/orders/${one}/refill`, undefined, once)).toEqual(asked)
  expect(await rest('POST', `/api/v1/orders/${one}/refill`)).toMatchObject({
    status: 409,
    body: { code: 'refill_under_way' },
  })
  const many = await rest('POST', '/api/v1/refill', { orders: [String(two), 999, 'x'] })
  expect(many.body.data).toMatchObject([
    { order_id: String(two), ok: true, refill: { id: '2' }, code: null },
    { ok: false, code: 'order_not_found' },
    { ok: false, code: 'order_not_found' },
  ])
  const page = await rest('GET', '/api/v1/refills?limit=1&status=Pending')
  expect(page.body).toMatchObject({ has_more: true, data: [{ id: '2' }] })
  expect((await rest('GET', `/api/v1/refills?limit=1&cursor=${page.body.next_cursor}`)).body.data).toMatchObject([
    { id: '1' },
  ])
  expect((await rest('GET', `/api/v1/refills?order=${one}`)).body.data).toMatchObject([{ id: '1' }])
  expect((await rest('GET', '/api/v1/refill-status?refills=1,9,x')).body).toMatchObject({
    data: [{ id: '1' }],
    missing: ['9', 'x'],
  })
  expect((await rest('GET', '/api/v1/refills/1')).body).toMatchObject({ id: '1' })
  const theirs = { 'x-api-key': stranger.key }
  for (const [method, path] of [
    ['GET', '/api/v1/refills/1'],
    ['POST', `/api/v1/orders/${one}/refill`],
  ] as const) {
    expect(await rest(method, path, undefined, theirs)).toMatchObject({ status: 404 })
  }
  expect((await rest('GET', '/api/v1/refills', undefined, theirs)).body.data).toEqual([])
  for (const body of [{}, { orders: [] }, { orders: Array(101).fill('1') }, { orders: ['1'], force: true }]) {
    expect(await rest('POST', '/api/v1/refill', body)).toMatchObject({ status: 400 })
  }
  expect(await rest('GET', '/api/v1/refills?status=unknown')).toMatchObject({ status: 400 })
})

test('staff see the truth of each refill, decide with a reason, and set the rules of services', async () => {
  const { app, url, delivered, form } = await setup()
  const { ask } = await staffWith(app, url, ['orders:read', 'orders:refill', 'refills:edit'])
  const [one, two] = [await delivered(), await delivered()]
  await form({ action: 'refill', order: String(one) })
  await app.db.query(`update orders.refill set state = 'unknown', next_try_at = null, code = 'timeout' where id = 1`)
  expect((await ask('GET', '/api/admin/refills?state=unknown')).body.data).toMatchObject([
    { id: '1', state: 'unknown', status: 'Pending', code: 'timeout', manual: false },
  ])
  await app.db.query(`update orders.refill set waiting_since = now() where id = 1`)
  expect((await ask('GET', '/api/admin/refills?waiting=true')).body.data).toMatchObject([{ id: '1' }])
  expect((await ask('GET', '/api/admin/refills?waiting=false')).body.data).toEqual([])
  expect(await ask('GET', '/api/admin/refills?waiting=perhaps')).toMatchObject({ status: 400 })
  expect((await ask('GET', `/api/admin/orders/${one}`)).body.refills).toMatchObject([{ id: '1', state: 'unknown' }])
  const decide = '/api/admin/refills/1/decide'
  for (const body of [
    {},
    { kind: 'complete' },
    { kind: 'complete', reason: ' ' },
    { kind: 'placed', reason: 'x' },
    { kind: 'lost', reason: 'x' },
  ]) {
    expect(await ask('POST', decide, body)).toMatchObject({ status: 400 })
  }
  expect(await ask('POST', decide, { kind: 'complete', reason: 'Done by phone.' })).toMatchObject({
    status: 200,
    body: { state: 'completed', decision_reason: 'Done by phone.' },
  })
  expect(await ask('POST', decide, { kind: 'reject', reason: 'x' })).toMatchObject({
    status: 409,
    body: { code: 'refill_ended' },
  })
  expect(await ask('POST', '/api/admin/refills/9/decide', { kind: 'reject', reason: 'x' })).toMatchObject({
    status: 404,
  })

  const [order] = await app.db.query<{ service_id: bigint }>('select service_id from orders.orders where id = $1', [
    two,
  ])
  const path = `/api/admin/services/${order?.service_id}/refill-rule`
  expect((await ask('GET', path)).body).toEqual({ days: null, wait_hours: null, manual: false })
  const rule = { days: 7, wait_hours: 0, manual: true }
  expect((await ask('PUT', path, { ...rule, reason: 'Agreed.' })).body).toEqual(rule)
  expect((await ask('GET', path)).body).toEqual(rule)
  expect(await ask('PUT', path, { ...rule, days: 5_000, reason: 'x' })).toMatchObject({ status: 400 })
  expect(await ask('PUT', '/api/admin/services/999999/refill-rule', { ...rule, reason: 'x' })).toMatchObject({
    status: 404,
  })
  expect(await ask('POST', `/api/admin/orders/${two}/refill`)).toMatchObject({ status: 201, body: { manual: true } })
  expect((await ask('GET', '/api/admin/refills?manual=true')).body.data).toMatchObject([{ order_id: String(two) }])
})
