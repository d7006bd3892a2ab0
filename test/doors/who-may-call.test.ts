import { expect, test } from 'vitest'
import { createUser } from '#server/domains/identity/create-user.ts'
import { createApiKey } from '#server/domains/identity/keys/create-api-key.ts'
import { revokeApiKey } from '#server/domains/identity/keys/revoke-api-key.ts'
import { openLog } from '#server/platform/telemetry/log.ts'
import { openDoors } from '#test/support/doors.ts'

interface Operation {
  'x-permission': string | string[] | null
}

/** Every route that needs a right, from the document, with something in its path. */
async function guardedRoutes(url: string): Promise<{ method: string; path: string; permission: string }[]> {
  const { paths } = (await (await fetch(`${url}/openapi.json`)).json()) as {
    paths: Record<string, Record<string, Operation>>
  }
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, { 'x-permission': permission }]) =>
      typeof permission === 'string'
        ? [{ method: method.toUpperCase(), path: path.replaceAll(/\{\w+\}/g, '1'), permission }]
        : [],
    ),
  )
}

test('no guarded route answers nobody, a key that does not hold, or one without the right', async () => {
  const { shop, url, customer } = await openDoors()
  const { app } = shop
  await app.db.query(`insert into identity.role (name, permissions) values ('visitor', '{}')`)
  const visitor = await createUser(app, { email: 'visitor@example.com', password: 'long enough', role: 'visitor' })
  const without = await createApiKey(app, { user_id: visitor.id, name: 'none' })
  const owner = await customer()
  const revoked = await createApiKey(app, { user_id: owner.id, name: 'revoked' })
  await revokeApiKey(app, { user_id: owner.id, key_id: revoked.api_key.id })
  const elsewhere = await customer('1', { allowed_ips: ['192.0.2.1/32'] })
  const callers: [string, Record<string, string>, number, string][] = [
    ['nobody', {}, 401, 'unauthenticated'],
    ['a wrong key', { 'x-api-key': `sk_${'A'.repeat(43)}` }, 401, 'unauthenticated'],
    ['a wrong token', { authorization: `Bearer ss_${'A'.repeat(43)}` }, 401, 'unauthenticated'],
    ['a forged cookie', { cookie: `saldo_session=ss_${'A'.repeat(43)}`, origin: url }, 401, 'unauthenticated'],
    ['a revoked key', { 'x-api-key': revoked.key }, 401, 'unauthenticated'],
    ['a key from elsewhere', { 'x-api-key': elsewhere.key }, 403, 'address_not_allowed'],
    ['a user without rights', { 'x-api-key': without.key }, 403, 'forbidden'],
  ]
  const routes = await guardedRoutes(url)
  expect(routes.length).toBeGreaterThan(8)
  for (const { method, path } of routes) {
    for (const [caller, headers, status, code] of callers) {
      const response = await fetch(`${url}${path}`, { method, headers })
      const body = (await response.json()) as { code: string; detail?: string }
      const seen = { method, path, caller, status: response.status, code: body.code }
      expect(seen).toEqual({ method, path, caller, status, code })
      if (code === 'forbidden') expect(body.detail).toMatch(/^This needs the permission [a-z0-9:{}-]+\.$/)
    }
  }
})

test('a key limited to reading places nothing, and one limited to placing reads nothing', async () => {
  const { shop, url, customer } = await openDoors()
  const reader = await customer('50', { scopes: ['read'] })
  const placer = await customer('50', { scopes: ['order'] })
  const order = { service: String(shop.service('Package').id), link: 'https://example.com/a' }
  const place = async (key: string, path: string, body: object) => {
    const headers = { 'x-api-key': key, 'content-type': 'application/json' }
    return (await fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })).status
  }
  const read = async (key: string, path: string) =>
    (await fetch(`${url}${path}`, { headers: { 'x-api-key': key } })).status
  expect(await place(reader.key, '/api/v1/order', order)).toBe(403)
  expect(await place(reader.key, '/api/v1/orders', { orders: [order] })).toBe(403)
  expect(await place(placer.key, '/api/v1/order', order)).toBe(201)
  for (const path of ['/api/v1/orders', '/api/v1/balance', '/api/v1/order/1', '/api/v1/status?order=1']) {
    expect([path, await read(placer.key, path)]).toEqual([path, 403])
    expect([path, [200, 404].includes(await read(reader.key, path))]).toEqual([path, true])
  }
  // A key never makes or ends keys and sessions, whatever its scopes.
  const all = await customer()
  expect(await place(all.key, '/api/v1/api-keys', { name: 'more' })).toBe(403)
  expect(await shop.wallet(reader.id)).toEqual({ posted: 50_000_000n, held: 0n })
})

test('at the panels’ door nobody and no wrong key is told anything, and a user without rights gets nothing', async () => {
  const { shop, url } = await openDoors()
  await shop.app.db.query(`insert into identity.role (name, permissions) values ('visitor', '{}')`)
  const visitor = await createUser(shop.app, { email: 'v@example.com', password: 'long enough', role: 'visitor' })
  const { key } = await createApiKey(shop.app, { user_id: visitor.id, name: 'none', legacy_get: true })
  const actions = ['services', 'add', 'status', 'balance', 'refill', 'refill_status', 'cancel', 'multi_status']
  const ask = async (fields: Record<string, string>) => {
    const body = new URLSearchParams({
      order: '1',
      service: '1',
      link: 'https://example.com/a',
      quantity: '100',
      ...fields,
    })
    return (await fetch(`${url}/api/v2`, { method: 'POST', body })).text()
  }
  for (const action of actions) {
    expect(await ask({ action })).toBe('{"error":"Invalid API key"}')
    expect(await ask({ action, key: `sk_${'A'.repeat(43)}` })).toBe('{"error":"Invalid API key"}')
    expect(await ask({ action, key })).toBe('{"error":"This API key does not allow this action"}')
    const get = await fetch(`${url}/api/v2?action=${action}&key=${key}`)
    expect(await get.text()).toBe('{"error":"This API key does not allow this action"}')
  }
})

test('no key is written to the log, wherever it stood', async () => {
  const lines: string[] = []
  const log = openLog({ level: 'debug', destination: { write: (line) => void lines.push(line) } })
  const { shop, url, customer } = await openDoors({ log })
  const { key } = await customer('50', { legacy_get: true })
  await fetch(`${url}/api/v2?action=balance&key=${key}`)
  await fetch(`${url}/api/v2?action=add&key=${key}&link=%00`)
  await fetch(`${url}/no/such/address?key=${key}`)
  await fetch(`${url}/api/v2`, { method: 'POST', body: `key=${key}&action=nothing` })
  await fetch(`${url}/api/v1/balance`, { headers: { 'x-api-key': key } })
  // An unforeseen failure is logged with its stack, and still without the request's address.
  await shop.app.db.query('alter table ledger.account rename to account_away')
  const failed = await fetch(`${url}/api/v2?action=balance&key=${key}`)
  expect([failed.status, await failed.text()]).toEqual([500, '{"error":"Internal error"}'])
  const problem = await fetch(`${url}/api/v1/balance`, { headers: { 'x-api-key': key } })
  expect([problem.status, ((await problem.json()) as { code: string }).code]).toEqual([500, 'internal_error'])
  await shop.app.db.query('alter table ledger.account_away rename to account')
  expect(lines.some((line) => line.includes('request failed'))).toBe(true)
  expect(lines.length).toBeGreaterThan(5)
  expect(lines.filter((line) => line.includes(key.slice(3)))).toEqual([])
})
