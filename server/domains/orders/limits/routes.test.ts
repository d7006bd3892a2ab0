import { expect, test } from 'vitest'
import { openDoors } from '#test/support/doors.ts'
import { expectSound } from '#test/support/order-book.ts'
import { staffWith } from '#test/support/staff.ts'

async function setup() {
  const doors = await openDoors()
  const customer = await doors.customer('100')
  const { ask } = await staffWith(doors.shop.app, doors.url, ['limits:read', 'limits:edit'])
  const path = `/api/admin/users/${customer.id}/limits`
  const set = (body: object) => ask('PUT', path, { reason: 'Their bank called.', ...body })
  const own = async (method: string, route: string, body?: object) => {
    const response = await fetch(doors.url + route, {
      method,
      headers: { 'x-api-key': customer.key, ...(body && { 'content-type': 'application/json' }) },
      body: body ? JSON.stringify(body) : null,
    })
    return { status: response.status, body: JSON.parse(await response.text()) }
  }
  const order = { service: String(doors.shop.service('Package').id), link: 'https://example.com/a' }
  return { doors, customer, ask, path, set, own, order }
}

test('staff set what a customer may spend and have under way, and the customer sees what is left of it', async () => {
  const { doors, ask, path, set, own, order } = await setup()
  expect(await own('GET', '/api/v1/limits')).toMatchObject({
    status: 200,
    body: { daily_spend: { max: null, own: false, spent: '0.00', left: null }, in_flight: { max: null, orders: 0 } },
  })
  const limits = {
    daily_spend: { max: '12.00', own: true, spent: '0.00', left: '12.00', currency: 'USD' },
    in_flight: { max: 5, own: true, orders: 0, left: 5 },
  }
  expect(await set({ daily_spend: '12', in_flight: 5 })).toMatchObject({ status: 200, body: limits })
  expect((await own('POST', '/api/v1/order', order)).status).toBe(201)
  const used = {
    daily_spend: { ...limits.daily_spend, spent: '5.07', left: '6.93' },
    in_flight: { ...limits.in_flight, orders: 1, left: 4 },
  }
  expect((await own('GET', '/api/v1/limits')).body).toMatchObject(used)
  expect((await ask('GET', path)).body).toMatchObject(used)

  expect((await set({ daily_spend: 'none' })).body).toMatchObject({
    daily_spend: { max: null, own: true, spent: '5.07', left: null },
    in_flight: used.in_flight,
  })
  expect((await set({ daily_spend: 'house', in_flight: 'house' })).body).toMatchObject({
    daily_spend: { max: null, own: false },
    in_flight: { max: null, own: false, orders: 1 },
  })
  await expectSound(doors.shop.app)
})

test('an order beyond a limit is refused at each door in its own form, with the limit, what is left, and until when', async () => {
  const { doors, customer, set, own, order } = await setup()
  await set({ daily_spend: '6' })
  expect((await own('POST', '/api/v1/order', order)).status).toBe(201)
  const { resets_at } = (await own('GET', '/api/v1/limits')).body.daily_spend
  expect(Date.parse(resets_at)).toBeGreaterThan(Date.now())
  const refusal = { code: 'daily_spend_limit_reached', limit: '6.00', left: '0.93', resets_at }
  expect(await own('POST', '/api/v1/order', order)).toMatchObject({ status: 422, body: refusal })
  for (const path of ['/api/v1/orders', '/api/orders/create-orders']) {
    expect((await own('POST', path, { orders: [order] })).body.data).toMatchObject([{ ok: false, refusal }])
  }
  const panel = async () => {
    const body = new URLSearchParams({ key: customer.key, action: 'add', ...order })
    return (await fetch(`${doors.url}/api/v2`, { method: 'POST', body })).json()
  }
  expect(await panel()).toEqual({ error: `Daily spend limit of 6.00 reached, 0.93 left until ${resets_at}` })

  await set({ daily_spend: 'none', in_flight: 1 })
  expect(await own('POST', '/api/v1/order', order)).toMatchObject({
    status: 422,
    body: { code: 'too_many_orders_in_flight', limit: '1', left: '0' },
  })
  expect(await panel()).toEqual({ error: 'Limit of 1 orders in progress reached, 0 left until one ends' })
  expect((await own('GET', '/api/v1/balance')).body).toMatchObject({ held: '5.07' })
})

test('a limit that makes no sense is refused with the field named, and nothing is set', async () => {
  const { set, path, ask } = await setup()
  const cases: [object, string][] = [
    [{ daily_spend: '-1' }, 'daily_spend'],
    [{ daily_spend: 'all' }, 'daily_spend'],
    [{ daily_spend: '1e3' }, 'daily_spend'],
    [{ daily_spend: 5 }, 'daily_spend'],
    [{ in_flight: -1 }, 'in_flight'],
    [{ in_flight: 1.5 }, 'in_flight'],
    [{ in_flight: '5' }, 'in_flight'],
    [{ in_flight: 1, reason: ' ' }, 'reason'],
    [{ in_flight: 1, owner: 7 }, 'owner'],
  ]
  for (const [body, field] of cases) {
    const answer = await set(body)
    expect(answer, JSON.stringify(body)).toMatchObject({ status: 400, body: { code: 'invalid_request' } })
    expect(JSON.stringify(answer.body)).toContain(field)
  }
  expect((await ask('GET', path)).body).toMatchObject({ daily_spend: { own: false }, in_flight: { own: false } })
})

test('of nobody there are no limits', async () => {
  const { ask } = await setup()
  const path = '/api/admin/users/999999999/limits'
  expect(await ask('GET', path)).toMatchObject({ status: 404, body: { code: 'user_not_found' } })
  expect(await ask('PUT', path, { in_flight: 1, reason: 'x' })).toMatchObject({ status: 404 })
})
