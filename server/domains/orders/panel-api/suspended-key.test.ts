import { expect, test } from 'vitest'
import { createUser } from '#server/domains/identity/create-user.ts'
import { suspendKey } from '#server/domains/identity/keys/suspend-key.ts'
import { actsIn } from '#test/support/acts.ts'
import { openDoors } from '#test/support/doors.ts'
import { aSession } from '#test/support/sessions.ts'

async function setup() {
  const doors = await openDoors()
  const { app } = doors.shop
  const customer = await doors.customer('100')
  const [row] = await app.db.query<{ id: bigint }>('select id from identity.api_key where user_id = $1', [customer.id])
  const key_id = row?.id ?? 0n
  const ask = async (headers: Record<string, string>, method: string, path: string, body?: object) => {
    const json = body && { 'content-type': 'application/json' }
    const response = await fetch(doors.url + path, {
      method,
      headers: { ...headers, ...json },
      body: body ? JSON.stringify(body) : null,
    })
    return { status: response.status, body: JSON.parse(await response.text()) }
  }
  const session = { authorization: `Bearer ${await aSession(app, customer.id)}` }
  const admin = await createUser(app, {
    email: 'ann@example.com',
    password: 'correct horse battery',
    role: 'administrator',
  })
  const staff = { authorization: `Bearer ${await aSession(app, admin.id, 'admin')}` }
  const panel = async (fields: Record<string, string>) => {
    const body = new URLSearchParams({ key: customer.key, ...fields })
    const response = await fetch(`${doors.url}/api/v2`, { method: 'POST', body })
    return { status: response.status, body: await response.json() }
  }
  const balance = async () => (await ask({ 'x-api-key': customer.key }, 'GET', '/api/v1/balance')).body.code ?? 'opens'
  return { doors, app, customer, key_id, ask, session, staff, panel, balance }
}

test('a suspended key is told so at each door in its form, what was ordered goes on, and its owner reinstates it signed in', async () => {
  const { doors, app, customer, key_id, ask, session, panel, balance } = await setup()
  const add = { action: 'add', service: String(doors.shop.service('Package').id), link: 'https://example.com/a' }
  expect((await panel(add)).body).toHaveProperty('order')
  const evidence = { hour: '2026-11-29T10:00:00.000Z', found: '6001', most: '6000', usual: '600' }
  await suspendKey(app, { key_id, by: 'rule', reason: 'orders', evidence, actor: { kind: 'system' } })
  await expect.poll(balance, { timeout: 1_000 }).toBe('api_key_suspended')
  expect(await panel(add)).toEqual({ status: 200, body: { error: 'This API key is suspended' } })
  const [order] = await app.db.query<{ state: string }>('select state from orders.orders')
  expect(order).toEqual({ state: 'queued' })

  const [listed] = (await ask(session, 'GET', '/api/v1/api-keys')).body.data
  expect(listed.suspended).toEqual({ at: expect.any(String), by: 'rule', reason: 'orders', evidence })
  const path = `/api/v1/api-keys/${key_id}/reinstate`
  const { key: other } = await doors.customer('1')
  expect((await ask({ 'x-api-key': other }, 'POST', path)).status).toBe(403)
  const stranger = { authorization: `Bearer ${await aSession(app, (await doors.shop.customer('1')).id)}` }
  expect((await ask(stranger, 'POST', path)).status).toBe(404)
  expect(await ask(session, 'POST', path)).toMatchObject({ status: 200, body: { suspended: null } })
  await expect.poll(balance, { timeout: 1_000 }).toBe('opens')
  expect((await panel(add)).body).toHaveProperty('order')
  expect(await actsIn(app.db, 'api-keys.reinstated')).toMatchObject([{ user_id: customer.id, via: 'session' }])
})

test('staff see a customer’s keys, suspend one with a reason that its owner reads, and alone reinstate it', async () => {
  const { app, customer, key_id, ask, session, staff, balance } = await setup()
  const keys = `/api/admin/users/${customer.id}/api-keys`
  expect((await ask(staff, 'GET', keys)).body.data).toMatchObject([{ id: String(key_id), suspended: null }])
  expect((await ask(staff, 'POST', `${keys}/${key_id}/suspend`, {})).status).toBe(400)
  const reason = 'It is in a public repository.'
  for (let i = 0; i < 2; i++) {
    expect(await ask(staff, 'POST', `${keys}/${key_id}/suspend`, { reason })).toMatchObject({
      status: 200,
      body: { suspended: { by: 'staff', reason, evidence: null } },
    })
  }
  await expect.poll(balance, { timeout: 1_000 }).toBe('api_key_suspended')
  expect((await ask(session, 'GET', '/api/v1/api-keys')).body.data).toMatchObject([{ suspended: { reason } }])
  expect(await ask(session, 'POST', `/api/v1/api-keys/${key_id}/reinstate`)).toMatchObject({
    status: 403,
    body: { code: 'suspended_by_staff' },
  })
  expect((await ask(staff, 'POST', `${keys}/${key_id}/reinstate`, { reason: 'Taken down.' })).body).toMatchObject({
    suspended: null,
  })
  await expect.poll(balance, { timeout: 1_000 }).toBe('opens')
  expect(await actsIn(app.db, 'api-keys.suspended')).toMatchObject([{ reason }])
  expect((await ask(staff, 'POST', `${keys}/999999/suspend`, { reason })).status).toBe(404)
  expect((await ask(staff, 'GET', '/api/admin/users/999999999/api-keys')).status).toBe(404)
})
