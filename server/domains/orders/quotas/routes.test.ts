import { expect, test } from 'vitest'
import { rotateApiKey } from '#server/domains/identity/keys/rotate-api-key.ts'
import { openDoors } from '#test/support/doors.ts'
import { expectSound } from '#test/support/order-book.ts'
import { aSession } from '#test/support/sessions.ts'
import { staffWith } from '#test/support/staff.ts'

async function setup() {
  const doors = await openDoors()
  const { app } = doors.shop
  const customer = await doors.customer('100')
  const token = await aSession(app, customer.id)
  const { ask: staff } = await staffWith(app, doors.url, ['limits:read', 'limits:edit'])
  const send = async (headers: Record<string, string>, method: string, route: string, body?: object) => {
    const response = await fetch(doors.url + route, {
      method,
      headers: { ...headers, ...(body && { 'content-type': 'application/json' }) },
      body: body ? JSON.stringify(body) : null,
    })
    return { status: response.status, headers: response.headers, body: JSON.parse(await response.text()) }
  }
  const owner = (method: string, route: string, body?: object) =>
    send({ authorization: `Bearer ${token}` }, method, route, body)
  const by = (key: string) => (method: string, route: string, body?: object) =>
    send({ 'x-api-key': key }, method, route, body)
  const [listed] = (await owner('GET', '/api/v1/api-keys')).body.data
  const path = `/api/v1/api-keys/${listed.id}/quota`
  const staffPath = `/api/admin/users/${customer.id}/api-keys/${listed.id}/quota`
  const order = { service: String(doors.shop.service('Package').id), link: 'https://example.com/a' }
  return {
    doors,
    customer,
    owner,
    by,
    byKey: by(customer.key),
    key_id: String(listed.id),
    path,
    staff,
    staffPath,
    order,
  }
}

test('an owner sets what a key may order in a day, the house too, and each sees what holds and what is left', async () => {
  const { doors, owner, byKey, path, staff, staffPath, order } = await setup()
  expect(await owner('GET', path)).toMatchObject({
    status: 200,
    body: { orders_per_day: { max: null, own: null, staff: null, used: 0, left: null }, spend_per_day: { max: null } },
  })
  expect((await byKey('GET', '/api/v1/limits')).body).toMatchObject({ api_key: null })
  expect(await owner('PUT', path, { orders_per_day: 5, spend_per_day: '12' })).toMatchObject({
    status: 200,
    body: { orders_per_day: { max: 5, own: 5, staff: null, left: 5 }, spend_per_day: { max: '12.00', left: '12.00' } },
  })
  expect((await byKey('POST', '/api/v1/order', order)).status).toBe(201)
  expect(await staff('PUT', staffPath, { orders_per_day: 2, reason: 'New here.' })).toMatchObject({ status: 200 })
  const used = {
    orders_per_day: { max: 2, own: 5, staff: 2, used: 1, left: 1 },
    spend_per_day: { max: '12.00', own: '12.00', staff: null, used: '5.07', left: '6.93', currency: 'USD' },
  }
  expect((await owner('GET', path)).body).toMatchObject(used)
  expect((await staff('GET', staffPath)).body).toMatchObject(used)
  expect((await byKey('GET', '/api/v1/limits')).body).toMatchObject({ api_key: used })
  expect((await owner('GET', '/api/v1/limits')).body).toMatchObject({ api_key: null })
  await owner('PUT', path, { orders_per_day: null })
  expect((await owner('GET', path)).body).toMatchObject({
    orders_per_day: { max: 2, own: null },
    spend_per_day: { max: '12.00' },
  })
  await expectSound(doors.shop.app)
})

test('an order beyond the quota is refused at each door in its own form, and says when there is room', async () => {
  const { doors, customer, owner, byKey, path, order } = await setup()
  await owner('PUT', path, { orders_per_day: 1 })
  expect((await byKey('POST', '/api/v1/order', order)).status).toBe(201)
  const { resets_at } = (await owner('GET', path)).body
  expect(Date.parse(resets_at)).toBeGreaterThan(Date.now())
  const refusal = { code: 'quota_exceeded', quota: 'orders_per_day', limit: '1', left: '0', resets_at }
  const answer = await byKey('POST', '/api/v1/order', order)
  expect(answer).toMatchObject({
    status: 429,
    body: {
      ...refusal,
      type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
      'violated-policies': ['key-orders-per-day'],
    },
  })
  const seconds = Number(answer.headers.get('retry-after'))
  expect(Math.abs(Date.now() + seconds * 1_000 - Date.parse(resets_at))).toBeLessThan(10_000)
  for (const path of ['/api/v1/orders', '/api/orders/create-orders']) {
    expect((await byKey('POST', path, { orders: [order] })).body.data).toMatchObject([{ ok: false, refusal }])
  }
  const line = `${order.service}|${order.link}`
  const mass = await byKey('POST', '/api/v1/orders/mass', { orders: line })
  expect(mass.body.data).toMatchObject([{ ok: false, refusal }])
  const panel = async (fields: Record<string, string>) => {
    const body = new URLSearchParams({ key: customer.key, ...fields })
    return (await fetch(`${doors.url}/api/v2`, { method: 'POST', body })).json()
  }
  const error = `Daily quota of 1 orders for this API key reached, 0 left until ${resets_at}`
  expect(await panel({ action: 'add', ...order })).toEqual({ error })
  expect(await panel({ action: 'mass', orders: line })).toEqual([{ line: 1, error }])

  await owner('PUT', path, { orders_per_day: null, spend_per_day: '6' })
  expect(await panel({ action: 'add', ...order })).toEqual({
    error: `Daily quota of 6.00 USD for this API key reached, 0.93 left until ${resets_at}`,
  })
  // A session of the same customer orders on.
  expect((await owner('POST', '/api/v1/order', order)).status).toBe(201)
})

test('a rotated key shares the quota at the doors', async () => {
  const { doors, customer, owner, by, key_id, path, order } = await setup()
  await owner('PUT', path, { orders_per_day: 2 })
  const actor = { kind: 'user', user_id: customer.id } as const
  const next = await rotateApiKey(doors.shop.app, { user_id: customer.id, key_id: BigInt(key_id), by: actor })
  expect((await by(customer.key)('POST', '/api/v1/order', order)).status).toBe(201)
  expect((await by(next.key)('POST', '/api/v1/order', order)).status).toBe(201)
  for (const key of [customer.key, next.key]) {
    expect((await by(key)('POST', '/api/v1/order', order)).status).toBe(429)
  }
  const rows = await doors.shop.app.db.query('select key_id from orders.orders order by id')
  expect(rows).toEqual([{ key_id: BigInt(key_id) }, { key_id: next.api_key.id }])
})

test('a quota that makes no sense is refused with the field named, and nothing is set', async () => {
  const { owner, path, staff, staffPath } = await setup()
  const cases: [object, string][] = [
    [{ orders_per_day: -1 }, 'orders_per_day'],
    [{ orders_per_day: 1.5 }, 'orders_per_day'],
    [{ orders_per_day: '5' }, 'orders_per_day'],
    [{ spend_per_day: '-1' }, 'spend_per_day'],
    [{ spend_per_day: '1e3' }, 'spend_per_day'],
    [{ spend_per_day: 5 }, 'spend_per_day'],
    [{ orders_per_day: 1, key: 7 }, 'key'],
  ]
  for (const [body, field] of cases) {
    const answer = await owner('PUT', path, body)
    expect(answer, JSON.stringify(body)).toMatchObject({ status: 400, body: { code: 'invalid_request' } })
    expect(JSON.stringify(answer.body)).toContain(field)
  }
  expect(await staff('PUT', staffPath, { orders_per_day: 1 })).toMatchObject({ status: 400 })
  expect((await owner('GET', path)).body).toMatchObject({ orders_per_day: { max: null }, spend_per_day: { max: null } })
})

test('a key sets no quota, and of another’s key there is none', async () => {
  const { doors, byKey, path, staff, key_id } = await setup()
  expect((await byKey('PUT', path, { orders_per_day: 1_000 })).status).toBe(403)
  expect((await byKey('GET', path)).status).toBe(403)
  const other = await doors.shop.customer('1')
  const foreign = `/api/admin/users/${other.id}/api-keys/${key_id}/quota`
  expect(await staff('GET', foreign)).toMatchObject({ status: 404, body: { code: 'api_key_not_found' } })
  expect(await staff('PUT', foreign, { orders_per_day: 1, reason: 'x' })).toMatchObject({ status: 404 })
})
