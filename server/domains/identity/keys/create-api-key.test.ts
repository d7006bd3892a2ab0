import { expect, test } from 'vitest'
import { aKey, aUser, identityApp } from '#test/support/identity.ts'
import { apiKeysOf } from '../queries.ts'
import { digestOf } from '../token.ts'
import { API_KEYS_PER_USER_MAX } from './api-key.ts'
import { createApiKey } from './create-api-key.ts'
import { revokeApiKey } from './revoke-api-key.ts'

test('a key is told once; what is stored shows its first characters and its hash', async () => {
  const app = await identityApp()
  const { key, api_key, user_id } = await aKey(app, { name: ' shop ', allowed_ips: ['192.0.2.7/24', '2001:db8::1'] })
  expect(key).toMatch(/^sk_[\w-]{43}$/)
  expect(api_key).toEqual({
    id: expect.any(BigInt),
    user_id,
    name: 'shop',
    prefix: key.slice(0, 9),
    scopes: ['*'],
    allowed_ips: ['192.0.2.0/24', '2001:db8::1/128'],
    legacy_get: false,
    created_at: expect.any(Date),
    expires_at: null,
    last_used_at: null,
    rotated_from: null,
    suspended_at: null,
    suspended_by: null,
    suspended_for: null,
    suspension_evidence: null,
  })
  const [row] = await app.db.query<{ digest: string; text: string }>(
    `select encode(key_hash, 'hex') as digest, api_key::text as text from identity.api_key`,
  )
  expect(row?.digest).toBe(digestOf(key))
  expect(row?.text).not.toContain(key.slice(9))
  expect(await apiKeysOf(app, user_id)).toEqual([api_key])
})

test.each([
  ['name', { name: ' ' }],
  ['name', { name: 'a\0b' }],
  ['name', { name: 'x'.repeat(101) }],
  ['scopes', { scopes: [] }],
  ['scopes', { scopes: ['everything'] }],
  ['scopes', { scopes: ['toString'] }],
  ['allowed_ips', { allowed_ips: ['192.0.2.7', 'here'] }],
  ['allowed_ips', { allowed_ips: Array.from({ length: 51 }, (_, i) => `192.0.2.${i}`) }],
  ['expires_at', { expires_at: new Date(0) }],
  ['expires_at', { expires_at: new Date(Number.NaN) }],
])('a bad %s is refused by name: %j', async (field, bad) => {
  const app = await identityApp()
  const user = await aUser(app)
  const input = { user_id: user.id, name: 'shop', ...bad }
  await expect(createApiKey(app, input)).rejects.toMatchObject({ code: 'bad_field', status: 422, field })
})

test('a user who is unknown or blocked gets no key', async () => {
  const app = await identityApp()
  const user = await aUser(app)
  await expect(createApiKey(app, { user_id: user.id + 1n, name: 'shop' })).rejects.toMatchObject({ status: 404 })
  await app.db.query(`update identity.user set state = 'blocked' where id = $1`, [user.id])
  await expect(createApiKey(app, { user_id: user.id, name: 'shop' })).rejects.toMatchObject({ code: 'account_blocked' })
})

test('the last place is taken once, and revoking makes room', async () => {
  const app = await identityApp()
  const user = await aUser(app)
  const outcomes = await Promise.allSettled(
    Array.from({ length: API_KEYS_PER_USER_MAX + 3 }, () => createApiKey(app, { user_id: user.id, name: 'shop' })),
  )
  const refused = outcomes.filter((each) => each.status === 'rejected')
  expect(refused.map((each) => each.reason.code)).toEqual(Array(3).fill('too_many_api_keys'))
  const keys = await apiKeysOf(app, user.id)
  expect(keys).toHaveLength(API_KEYS_PER_USER_MAX)
  await revokeApiKey(app, { user_id: user.id, key_id: keys[0]?.id as bigint })
  await createApiKey(app, { user_id: user.id, name: 'shop' })
})
