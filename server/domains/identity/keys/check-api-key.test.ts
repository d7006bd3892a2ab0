import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { aKey, anAuthentication, identityApp, waitFor } from '#test/support/identity.ts'
import { digestOf } from '../token.ts'
import { checkApiKey } from './check-api-key.ts'

const IP = '192.0.2.1'

async function setup(options: Parameters<typeof aKey>[1] = {}) {
  const app = await identityApp()
  const authentication = await anAuthentication(app)
  return { app, authentication, ...(await aKey(app, options)) }
}

test('a key answers its owner, role, permissions, scopes and whether it may stand in a URL', async () => {
  const { authentication, key, api_key, user_id } = await setup({ scopes: ['read', 'order'], legacy_get: true })
  const principal = await checkApiKey(authentication, key, IP)
  expect(principal).toMatchObject({
    user_id,
    role: 'customer',
    staff: false,
    area: null,
    denied: [],
    permissions: expect.arrayContaining(['orders:*:own']),
    via: 'key',
    key_id: api_key.id,
    scopes: ['read', 'order'],
    legacy_get: true,
  })
  expect(await checkApiKey(authentication, key, IP)).toBe(principal)
})

test('nothing that is not exactly a known key is one, and nothing throws', async () => {
  const { authentication, key } = await setup()
  const near = [
    key.slice(0, -1),
    `${key}=`,
    ` ${key}`,
    `${key}\n`,
    key.toUpperCase(),
    `sk_${'A'.repeat(43)}`,
    digestOf(key),
  ]
  const anything = fc.oneof(
    fc.constantFrom(...near, '', '__proto__', 'sk_', "' or 1=1 --", 'x'.repeat(1_000_000)),
    fc.string({ unit: 'binary', maxLength: 100 }),
    fc.string({ unit: fc.constantFrom(...'AZaz09_-'), minLength: 43, maxLength: 43 }).map((text) => `sk_${text}`),
  )
  await fc.assert(
    fc.asyncProperty(anything, fc.oneof(fc.ipV4(), fc.ipV6(), fc.string({ unit: 'binary' })), async (presented, ip) => {
      expect(await checkApiKey(authentication, presented, ip)).toMatchObject({ code: 'unauthenticated', status: 401 })
    }),
  )
})

test('a refusal carries nothing of the key', async () => {
  const { app, authentication, key, api_key } = await setup()
  await app.db.query('update identity.api_key set revoked_at = now() where id = $1', [api_key.id])
  const refusal = (await checkApiKey(authentication, key, IP)) as Error
  const told = JSON.stringify({ ...refusal, message: refusal.message, stack: refusal.stack })
  expect(told).not.toContain(key.slice(3))
  expect(told).not.toContain(digestOf(key))
  expect(app.logged.join()).not.toContain(key.slice(3))
})

test('a key with a list is refused from elsewhere, and holds after that', async () => {
  const { authentication, key, user_id } = await setup({ allowed_ips: ['192.0.2.0/24', '2001:db8::/32'] })
  expect(await checkApiKey(authentication, key, '203.0.113.1')).toMatchObject({
    code: 'address_not_allowed',
    status: 403,
  })
  for (const ip of ['192.0.2.9', '::ffff:192.0.2.9', '2001:db8::9']) {
    expect(await checkApiKey(authentication, key, ip)).toMatchObject({ user_id })
  }
})

test('an expired key is refused though it is in memory', async () => {
  const { app, authentication, key } = await setup({ expires_at: new Date(Date.now() + 60_000) })
  expect(await checkApiKey(authentication, key, IP)).not.toBeInstanceOf(Error)
  app.clock.ahead_ms = 60_000
  expect(await checkApiKey(authentication, key, IP)).toMatchObject({ code: 'unauthenticated' })
})

describe('what changes by hand in the database is effective within a second:', () => {
  test.each([
    ['the key revoked', 'update identity.api_key set revoked_at = now()', 'unauthenticated'],
    ['the key deleted', 'delete from identity.api_key', 'unauthenticated'],
    ['its list changed', `update identity.api_key set allowed_ips = '{203.0.113.0/24}'`, 'address_not_allowed'],
    ['its owner blocked', `update identity.user set state = 'blocked'`, 'unauthenticated'],
  ])('%s', async (_, sql, code) => {
    const { app, authentication, key } = await setup()
    expect(await checkApiKey(authentication, key, IP)).not.toBeInstanceOf(Error)
    await app.db.query(sql)
    const done = async () => {
      const outcome = await checkApiKey(authentication, key, IP)
      return outcome instanceof Error && 'code' in outcome && outcome.code === code
    }
    expect(await waitFor(done, 5_000)).toBeLessThan(1_000)
  })

  test('another role, other permissions of role and user, and a blocked owner let in again', async () => {
    const { app, authentication, key } = await setup()
    const becomes = async (sql: string, expected: object) => {
      await app.db.query(sql)
      const done = async () => {
        const outcome = await checkApiKey(authentication, key, IP)
        return Object.entries(expected).every(([name, value]) => `${Reflect.get(outcome, name)}` === `${value}`)
      }
      expect(await waitFor(done, 5_000)).toBeLessThan(1_000)
    }
    await becomes(`update identity.user set role = 'trader'`, { role: 'trader', area: 'trader', staff: false })
    await becomes(`update identity.role set permissions = '{services:read}' where name = 'trader'`, {
      permissions: ['services:read'],
    })
    await becomes(`update identity.user set granted = '{audit:read}'`, { permissions: ['services:read', 'audit:read'] })
    await becomes(`update identity.user set denied = '{audit:*}'`, { denied: ['audit:*'] })
    await becomes(`update identity.role set staff = true where name = 'trader'`, { staff: true })
    await becomes(`update identity.role set name = 'chief' where name = 'trader'`, { role: 'chief' })
    await becomes(`update identity.user set state = 'blocked'`, { status: 401 })
    await becomes(`update identity.user set state = 'active'`, { role: 'chief' })
  })
})

test('when a key was last used is written once a minute, off the path, and at the close', async () => {
  const { app, authentication, key } = await setup()
  const lastUsed = async () =>
    (await app.db.query<{ last_used_at: Date | null }>('select last_used_at from identity.api_key'))[0]?.last_used_at
  await checkApiKey(authentication, key, IP)
  expect(await lastUsed()).toBeNull()
  await authentication.keys_used.flush()
  const first = await lastUsed()
  expect(first).toBeInstanceOf(Date)
  // Another process within the minute: nothing new is written.
  const other = await anAuthentication(app)
  await checkApiKey(other, key, IP)
  await other.close()
  expect(await lastUsed()).toEqual(first)
  app.clock.ahead_ms = 61_000
  const later = await anAuthentication(app)
  await checkApiKey(later, key, IP)
  await later.close()
  expect((await lastUsed())?.getTime()).toBeGreaterThan((first as Date).getTime() + 60_000)
  // A written mark tells nobody to forget the key.
  expect(await checkApiKey(authentication, key, IP)).not.toBeInstanceOf(Error)
})

test('one process checks more than 20,000 keys a second', async () => {
  const { app, authentication, user_id } = await setup()
  const keys = Array.from({ length: 1_000 }, (_, i) => `sk_${String(i).padStart(43, '0')}`)
  await app.db.query(
    `insert into identity.api_key (user_id, name, prefix, key_hash, scopes, created_at)
     select $1, 'many', left(key, 9), sha256(key::bytea), '{*}', now() from unnest($2::text[]) as key`,
    [user_id, keys],
  )
  const all = () => Promise.all(keys.map((key) => checkApiKey(authentication, key, IP)))
  expect((await all()).filter((each) => each instanceof Error)).toEqual([])
  const start = performance.now()
  for (let round = 0; round < 20; round++) await all()
  expect(performance.now() - start).toBeLessThan(1_000)
})
