import { expect, test } from 'vitest'
import { createApiKey } from '#server/domains/identity/keys/create-api-key.ts'
import { sealBlocks } from '#server/domains/ledger/seal.ts'
import { RATE_LIMITS } from '#server/platform/limits/rate-class.ts'
import { actsIn } from '#test/support/acts.ts'
import { openDoors } from '#test/support/doors.ts'
import { aSession } from '#test/support/sessions.ts'
import { putSetting } from '#test/support/settings.ts'
import { staffWith } from '#test/support/staff.ts'
import { sumKeys } from './sum-keys.ts'

const today = () => new Date().toISOString().slice(0, 10)

async function setup() {
  const doors = await openDoors()
  const { app } = doors.shop
  const customer = await doors.customer('100', { name: '=shop' })
  const token = await aSession(app, customer.id)
  const send = async (headers: Record<string, string>, method: string, route: string, body?: object) => {
    const response = await fetch(doors.url + route, {
      method,
      headers: { ...headers, ...(body && { 'content-type': 'application/json' }) },
      body: body ? JSON.stringify(body) : null,
    })
    const text = await response.text()
    const is_json = response.headers.get('content-type')?.includes('json')
    return { status: response.status, text, body: is_json ? JSON.parse(text) : undefined }
  }
  const bySession = (method: string, route: string, body?: object) =>
    send({ authorization: `Bearer ${token}` }, method, route, body)
  const byKey = (method: string, route: string, body?: object) =>
    send({ 'x-api-key': customer.key }, method, route, body)
  const panel = async (fields: Record<string, string>) => {
    const body = new URLSearchParams({ key: customer.key, ...fields })
    return (await fetch(`${doors.url}/api/v2`, { method: 'POST', body })).json()
  }
  const sum = async () => {
    while ((await sealBlocks(app.db)).movements > 0);
    while ((await sumKeys(app)).more);
  }
  const order = { service: String(doors.shop.service('Package').id), link: 'https://example.com/a' }
  const { body } = await bySession('GET', '/api/v1/api-keys')
  return { doors, app, customer, bySession, byKey, panel, sum, order, key_id: body.data[0].id as string }
}

/** The counts come some seconds later, as in the running house. */
const counted = { timeout: 15_000, interval: 250 }

test('a reseller sees by key and day what was ordered, what was refused, and how often they asked; and the balance', async () => {
  const { bySession, byKey, panel, sum, order, key_id } = await setup()
  expect((await byKey('POST', '/api/v1/order', order)).status).toBe(201)
  expect(await panel({ action: 'add', ...order })).toHaveProperty('order')
  expect(await panel({ action: 'add', ...order, link: 'nowhere' })).toHaveProperty('error')
  await byKey('POST', '/api/v1/orders', { orders: [order, { ...order, service: '999999' }] })
  await byKey('POST', '/api/v1/orders/mass', { orders: `${order.service}|${order.link}|\n999999|${order.link}|1` })
  expect((await bySession('POST', '/api/v1/order', order)).status).toBe(201)
  await sum()
  const read = async () => (await bySession('GET', '/api/v1/usage')).body
  await expect.poll(async () => (await read()).total.requests, counted).toBeGreaterThanOrEqual(5)
  const usage = await read()
  const [of_key, without] = [usage.keys[0], usage.keys[1]]
  expect(of_key).toMatchObject({
    key_id,
    name: '=shop',
    revoked: false,
    requests: 5,
    panel_requests: 2,
    rest_requests: 3,
  })
  expect(without).toMatchObject({ key_id: null, name: null, orders: 1, requests: 0 })
  expect(of_key.orders + of_key.orders_refused).toBe(7)
  expect(of_key.orders_refused).toBeGreaterThanOrEqual(3)
  expect(usage).toMatchObject({ to: today(), time_zone: 'UTC', currency: 'USD', as_of: expect.any(String) })
  expect(usage.data.map((row: { day: string; key_id: string }) => [row.day, row.key_id])).toEqual([
    [today(), null],
    [today(), key_id],
  ])
  expect(usage.total.orders).toBe(of_key.orders + 1)
  expect(usage.balance).toMatchObject({ held: usage.total.ordered })
})

test('a key sees the figures of all keys of its owner and the names of none', async () => {
  const { byKey, sum, order, key_id } = await setup()
  await byKey('POST', '/api/v1/order', order)
  await sum()
  const { body } = await byKey('GET', `/api/v1/usage?key_id=${key_id}`)
  expect(body.keys).toMatchObject([{ key_id, name: null, prefix: null, orders: 1 }])
  expect((await byKey('GET', '/api/v1/usage.csv')).text).not.toContain('shop')
})

test('another’s keys are not there, and staff see those of any customer, exports with an act', async () => {
  const { doors, app, customer, bySession, sum, byKey, order, key_id } = await setup()
  await byKey('POST', '/api/v1/order', order)
  await sum()
  const other = await doors.customer('1')
  const [theirs] = await app.db.query<{ id: bigint }>('select id from identity.api_key where user_id = $1', [other.id])
  expect(await bySession('GET', `/api/v1/usage?key_id=${theirs?.id}`)).toMatchObject({
    status: 404,
    body: { code: 'api_key_not_found' },
  })
  expect((await bySession('GET', `/api/v1/usage.csv?key_id=${theirs?.id}`)).status).toBe(404)
  const { ask, headers } = await staffWith(app, doors.url, ['finance:read'])
  expect((await ask('GET', `/api/admin/users/${customer.id}/usage`)).body.keys).toMatchObject([{ key_id, orders: 1 }])
  expect(await ask('GET', '/api/admin/users/999999999/usage')).toMatchObject({ status: 404 })
  const file = await fetch(`${doors.url}/api/admin/users/${customer.id}/usage.csv`, { headers })
  expect(await file.text()).toContain(`"${key_id}"`)
  expect(await actsIn(app.db, 'usage.exported')).toMatchObject([{ subject_id: String(customer.id) }])
})

test('the file has a row for each day and key, whatever the number of days, and runs nothing in a spreadsheet', async () => {
  const { app, customer, bySession, key_id } = await setup()
  await app.db.query(
    `insert into orders.key_day (customer_id, day, key_id, asset, placed, charged, captured, returned)
    select $1, current_date - n, $2, 'USD', n, n * 1000000, 0, 0 from generate_series(0, 91) as n`,
    [customer.id, key_id],
  )
  const [first] = await app.db.query<{ day: string }>(`select (current_date - 91)::text as day`)
  const { text } = await bySession('GET', `/api/v1/usage.csv?from=${first?.day}`)
  const lines = text.trim().split('\r\n')
  expect(lines).toHaveLength(93)
  expect(lines[0]).toBe(
    '"day","key_id","name","prefix","currency","orders","ordered","captured","returned","orders_refused","requests","rest_requests","panel_requests","rate_limited","foreign_requests"',
  )
  expect(lines[1]).toMatch(new RegExp(`^"${first?.day}","${key_id}","'=shop","sk_......","USD","91","91.00","0.00"`))
  expect(new Set(lines).size).toBe(93)
})

test('days that make no sense or are too many are refused', async () => {
  const { bySession } = await setup()
  const cases = ['from=2026-01-01&to=2026-04-03', 'from=2026-01-02&to=2026-01-01']
  for (const query of cases) {
    const refused = { status: 422, body: { code: 'days_refused', days_max: 92 } }
    expect(await bySession('GET', `/api/v1/usage?${query}`), query).toMatchObject(refused)
    expect((await bySession('GET', `/api/v1/usage.csv?${query}`)).status).toBe(422)
  }
  expect((await bySession('GET', '/api/v1/usage?from=2026-01-01&to=2026-04-02')).status).toBe(200)
  expect((await bySession('GET', '/api/v1/usage?from=yesterday')).status).toBe(400)
})

test('more rows than an answer holds are refused with the way out, and are in the file', async () => {
  const { app, customer, bySession } = await setup()
  const keys = await Promise.all(
    Array.from({ length: 3 }, () => createApiKey(app, { user_id: customer.id, name: 'more' })),
  )
  await app.db.query(
    `insert into orders.key_day (customer_id, day, key_id, asset, placed, charged, captured, returned)
    select $1, current_date - n, key_id, 'USD', 1, 1, 0, 0 from generate_series(0, 29) as n, generate_series(1000, 1199) as key_id`,
    [customer.id],
  )
  expect(await bySession('GET', '/api/v1/usage')).toMatchObject({ status: 422, body: { code: 'usage_too_long' } })
  expect((await bySession('GET', `/api/v1/usage?key_id=${keys[0]?.api_key.id}`)).status).toBe(200)
  expect((await bySession('GET', '/api/v1/usage.csv')).text.trim().split('\r\n')).toHaveLength(6_001)
})

test('requests that a rate limit refused are counted for their key', async () => {
  const { app, byKey, bySession } = await setup()
  const limit = { window_seconds: 60, per_network: null, per_key: 2, per_user: null }
  await putSetting(app.db, RATE_LIMITS.reading, limit)
  await app.settings.refresh()
  for (let i = 0; i < 5; i++) await byKey('GET', '/api/v1/balance')
  const read = async () => (await bySession('GET', '/api/v1/usage')).body.total.rate_limited
  await expect.poll(read, counted).toBe(3)
})
