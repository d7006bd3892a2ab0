import { describe, expect, test } from 'vitest'
import { atBarrier } from '#test/support/barrier.ts'
import { actsOf, aKey, anAuthentication, answerRequests, aUser, identityApp } from '#test/support/identity.ts'
import { apiKeysOf } from '../queries.ts'
import { API_KEYS_PER_USER_MAX } from './api-key.ts'
import { checkApiKey } from './check-api-key.ts'
import { createApiKey } from './create-api-key.ts'
import { editApiKey } from './edit-api-key.ts'
import { OVERLAP_HOURS, rotateApiKey } from './rotate-api-key.ts'

const IP = '192.0.2.1'
const HOUR_MS = 3_600_000
const refusal = (error: { code: string }) => error.code

async function setup(options: Parameters<typeof aKey>[1] = {}) {
  const app = await identityApp()
  const authentication = await anAuthentication(app)
  const made = await aKey(app, options)
  const by = { kind: 'user', user_id: made.user_id, via: 'session' } as const
  const check = (key: string, ip = IP) => checkApiKey(authentication, key, ip)
  const rotate = (key_id = made.api_key.id, overlap_hours?: number) =>
    rotateApiKey(app, { user_id: made.user_id, key_id, by, ...(overlap_hours !== undefined && { overlap_hours }) })
  return { app, authentication, ...made, by, check, rotate }
}

describe('rotation', () => {
  test('gives a new key of the same kind, and the old one goes on for a day', async () => {
    const of = { name: 'shop', scopes: ['read'], allowed_ips: ['192.0.2.0/24'] } as const
    const { app, authentication, key, api_key, user_id, check, rotate } = await setup(of)
    const next = await rotate()
    expect(next.key).not.toBe(key)
    expect(next.api_key).toMatchObject({ ...of, rotated_from: api_key.id, expires_at: null })
    expect(await check(key)).toMatchObject({ user_id })
    expect(await check(next.key)).toMatchObject({ user_id, scopes: ['read'] })
    const old = (await apiKeysOf(app, user_id)).find((each) => each.id === api_key.id)
    expect((old?.expires_at?.getTime() ?? 0) - next.api_key.created_at.getTime()).toBe(OVERLAP_HOURS * HOUR_MS)
    app.clock.ahead_ms = OVERLAP_HOURS * HOUR_MS + 1_000
    await expect.poll(() => check(key), { timeout: 2_000 }).toMatchObject({ status: 401 })
    expect(await check(next.key)).toMatchObject({ user_id })
    expect(await actsOf(app)).toEqual(['api-keys.created', 'api-keys.rotated'])
    expect((await answerRequests(app, authentication)).notices.map((each) => each.kind)).toEqual(['api_key_rotated'])
  })

  test('without overlap the old key ends at once', async () => {
    const { key, check, rotate } = await setup()
    expect(await check(key)).toMatchObject({ via: 'key' })
    const next = await rotate(undefined, 0)
    await expect.poll(() => check(key), { timeout: 1_000 }).toMatchObject({ status: 401 })
    expect(await check(next.key)).toMatchObject({ via: 'key' })
  })

  test('never lengthens the life of the old key, and gives the new one as much as the old had', async () => {
    const in_an_hour = new Date(Date.now() + HOUR_MS)
    const { app, api_key, user_id, rotate } = await setup({ expires_at: in_an_hour })
    const next = await rotate()
    const old = (await apiKeysOf(app, user_id)).find((each) => each.id === api_key.id)
    expect(old?.expires_at).toEqual(in_an_hour)
    const life_ms = in_an_hour.getTime() - api_key.created_at.getTime()
    expect((next.api_key.expires_at?.getTime() ?? 0) - next.api_key.created_at.getTime()).toBe(life_ms)
  })

  test('of two at once one rotates, and a rotated key is rotated no more', async () => {
    const { app, user_id, rotate } = await setup()
    const outcomes = await atBarrier(
      app.db,
      (tx) => tx.query('select 1 from identity.user where id = $1 for update', [user_id]),
      [1, 2].map(() => () => rotate().then(() => 'rotated', refusal)),
    )
    expect(outcomes.toSorted()).toEqual(['api_key_rotated', 'rotated'])
  })

  test('is not for another owner’s, a revoked or an expired key', async () => {
    const { app, api_key, by, rotate } = await setup()
    const other = await aUser(app)
    const foreign = { user_id: other.id, key_id: api_key.id, by }
    expect(await rotateApiKey(app, foreign).catch(refusal)).toBe('api_key_not_found')
    await app.db.query('update identity.api_key set revoked_at = now()')
    expect(await rotate().catch(refusal)).toBe('api_key_not_found')
  })

  test('works also for one who has as many keys as there may be', async () => {
    const { app, user_id, rotate } = await setup()
    for (let i = 1; i < API_KEYS_PER_USER_MAX; i++) await createApiKey(app, { user_id, name: `key ${i}` })
    expect(await createApiKey(app, { user_id, name: 'one more' }).catch(refusal)).toBe('too_many_api_keys')
    expect(await rotate()).toMatchObject({ key: expect.stringMatching(/^sk_/) })
  })
})

describe('editing', () => {
  test('changes name, scopes and networks everywhere within a second; what is left out stays', async () => {
    const { app, key, api_key, user_id, by, check } = await setup()
    expect(await check(key)).toMatchObject({ scopes: ['*'] })
    const edited = await editApiKey(app, {
      user_id,
      key_id: api_key.id,
      change: { scopes: ['read'], allowed_ips: ['192.0.2.9/24'] },
      by,
    })
    expect(edited).toMatchObject({ name: 'shop', scopes: ['read'], allowed_ips: ['192.0.2.0/24'] })
    await expect.poll(() => check(key), { timeout: 1_000 }).toMatchObject({ scopes: ['read'] })
    expect(await check(key, '198.51.100.1')).toMatchObject({ code: 'address_not_allowed' })
    const [act] = await app.db.query(`select before, after from audit.act where action = 'api-keys.edited'`)
    expect(act).toMatchObject({ before: { scopes: ['*'] }, after: { scopes: ['read'] } })
  })

  test('is not for another owner’s key, and refuses bad fields by name', async () => {
    const { app, api_key, user_id, by } = await setup()
    const edit = (of: bigint, change: Parameters<typeof editApiKey>[1]['change']) =>
      editApiKey(app, { user_id: of, key_id: api_key.id, change, by }).catch(
        (error: { code: string; field?: string }) => error.field ?? error.code,
      )
    expect(await edit((await aUser(app)).id, { name: 'mine' })).toBe('api_key_not_found')
    expect(await edit(user_id, { name: ' ' })).toBe('name')
    expect(await edit(user_id, { scopes: ['all'] })).toBe('scopes')
    expect(await edit(user_id, { allowed_ips: ['010.0.0.1'] })).toBe('allowed_ips')
  })
})
