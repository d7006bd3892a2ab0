import { describe, expect, test } from 'vitest'
import type { App } from '#server/platform/app.ts'
import { publishFresh } from '#server/platform/outbox/publish-events.ts'
import { on } from '#server/platform/outbox/subscription.ts'
import { atBarrier } from '#test/support/barrier.ts'
import { actsOf, aKey, anAuthentication, identityApp } from '#test/support/identity.ts'
import { type ApiKeySuspension, apiKeySuspension } from '../events.ts'
import { apiKeysOf } from '../queries.ts'
import { checkApiKey } from './check-api-key.ts'
import { reinstateKey } from './reinstate-key.ts'
import { revokeApiKey } from './revoke-api-key.ts'
import { rotateApiKey } from './rotate-api-key.ts'
import { suspendKey } from './suspend-key.ts'
import { watchKeys } from './watch-keys.ts'

const IP = '192.0.2.1'

async function setup(options: Parameters<typeof aKey>[1] = {}) {
  const app = await identityApp()
  const authentication = await anAuthentication(app)
  const { key, api_key, user_id } = await aKey(app, options)
  const key_id = api_key.id
  const actor = { kind: 'user', user_id, via: 'session' } as const
  const check = async (presented = key, ip = IP) => {
    const found = await checkApiKey(authentication, presented, ip)
    return 'code' in found ? found.code : 'opens'
  }
  const suspend = (by: 'rule' | 'staff' = 'rule') =>
    suspendKey(app, { key_id, by, reason: by === 'rule' ? 'orders' : 'It leaked.', actor: { kind: 'system' } })
  const reinstate = (as: 'owner' | 'staff' = 'owner') => reinstateKey(app, { user_id, key_id, as, actor })
  const told = () => toldOf(app)
  const state = async () => (await apiKeysOf(app, user_id)).find((each) => each.id === key_id)
  return { app, authentication, key, api_key, key_id, user_id, actor, check, suspend, reinstate, told, state }
}

/** What is told of suspensions, once. */
async function toldOf(app: App): Promise<ApiKeySuspension[]> {
  const heard: ApiKeySuspension[] = []
  const hear = on(apiKeySuspension, async (_tx, _app, events) => {
    heard.push(...events.map((each) => each.payload))
  })
  while (await publishFresh(app, [hear]));
  return heard
}

/** What the key was used for, so many hours ago. */
async function used(app: App, key_id: bigint, figures: Record<string, bigint | number>, hours_ago = 0): Promise<void> {
  const names = Object.keys(figures)
  await app.db.query(
    `insert into identity.key_hour (key_id, hour, spell, ${names.join(', ')})
    select id, date_trunc('hour', $1::timestamptz, 'UTC') - make_interval(hours => $2::int), spell, ${names.map((_, i) => `$${i + 4}`).join(', ')}
    from identity.api_key where id = $3
    on conflict (key_id, hour, spell) do update set ${names.map((name) => `${name} = excluded.${name}`).join(', ')}`,
    [app.clock.now(), hours_ago, key_id, ...Object.values(figures)],
  )
}

describe('a suspended key', () => {
  test('opens nothing within a second, in every process, and opens again when it is reinstated', async () => {
    const { app, key, check, suspend, reinstate, state, told } = await setup()
    const elsewhere = await anAuthentication(app)
    expect(await check()).toBe('opens')
    expect(await checkApiKey(elsewhere, key, IP)).toMatchObject({ via: 'key' })
    expect(await suspend()).toBe(true)
    await expect.poll(() => check(), { timeout: 1_000 }).toBe('api_key_suspended')
    await expect
      .poll(() => checkApiKey(elsewhere, key, IP), { timeout: 1_000 })
      .toMatchObject({ code: 'api_key_suspended', status: 403 })
    expect(await state()).toMatchObject({ suspended_by: 'rule', suspended_for: 'orders' })
    await reinstate()
    await expect.poll(() => check(), { timeout: 1_000 }).toBe('opens')
    expect(await state()).toMatchObject({ suspended_at: null, suspended_by: null, suspension_evidence: null })
    expect((await told()).map(({ suspended }) => suspended)).toEqual([{ by: 'rule', reason: 'orders' }, null])
    expect(await actsOf(app)).toEqual(['api-keys.created', 'api-keys.suspended', 'api-keys.reinstated'])
  })

  test('is suspended once and told of once, whoever else does the same', async () => {
    const { app, key_id, suspend, told } = await setup()
    const hold = (tx: { query: App['db']['query'] }) =>
      tx.query('select 1 from identity.api_key where id = $1 for update', [key_id])
    const outcomes = await atBarrier(app.db, hold, [() => suspend(), () => suspend('staff'), () => suspend()])
    expect(outcomes.filter(Boolean)).toHaveLength(1)
    expect(await suspend()).toBe(false)
    expect(await told()).toHaveLength(1)
  })

  test('that staff suspended is reinstated by staff alone', async () => {
    const { suspend, reinstate, state } = await setup()
    await suspend('staff')
    await expect(reinstate('owner')).rejects.toMatchObject({ code: 'suspended_by_staff', status: 403 })
    expect(await state()).toMatchObject({ suspended_by: 'staff', suspended_for: 'It leaked.' })
    expect(await reinstate('staff')).toMatchObject({ suspended_at: null })
  })

  test('is nobody else’s to reinstate, and reinstating one that is not suspended changes nothing', async () => {
    const { app, key_id, actor, suspend, reinstate } = await setup()
    const { user_id: other } = await aKey(app)
    expect(await reinstate()).toMatchObject({ suspended_at: null })
    await suspend()
    await expect(reinstateKey(app, { user_id: other, key_id, as: 'owner', actor })).rejects.toMatchObject({
      code: 'api_key_not_found',
    })
    expect((await actsOf(app)).filter((action) => action === 'api-keys.reinstated')).toEqual([])
  })

  test('is rotated into one that opens at once, and is at its end itself', async () => {
    const { app, key_id, user_id, actor, check, suspend, told } = await setup()
    await suspend()
    const next = await rotateApiKey(app, { user_id, key_id, overlap_hours: 24, by: actor })
    expect(await check(next.key)).toBe('opens')
    await expect.poll(() => check(), { timeout: 1_000 }).toBe('unauthenticated')
    expect((await told()).at(-1)).toMatchObject({ key_id, suspended: null })
  })

  test('that is revoked is no longer told of as suspended', async () => {
    const { app, key_id, user_id, suspend, told } = await setup()
    await suspend()
    await revokeApiKey(app, { user_id, key_id })
    expect((await told()).map(({ suspended }) => suspended?.by ?? null)).toEqual(['rule', null])
  })

  test('suspended and reinstated at the same moment ends as one after the other would, and tells it so', async () => {
    const { app, key_id, suspend, reinstate, state, told } = await setup()
    const hold = (tx: { query: App['db']['query'] }) =>
      tx.query('select 1 from identity.api_key where id = $1 for update', [key_id])
    const race: (() => Promise<unknown>)[] = [() => suspend(), () => reinstate()]
    await atBarrier(app.db, hold, race)
    const suspended = (await state())?.suspended_at !== null
    expect((await told()).map((each) => each.suspended !== null)).toEqual(suspended ? [true] : [true, false])
    const acts = ['api-keys.created', 'api-keys.suspended', ...(suspended ? [] : ['api-keys.reinstated'])]
    expect(await actsOf(app)).toEqual(acts)
  })

  test('a judgement that comes after the key was reinstated holds nothing against it', async () => {
    const { app, key_id, suspend, reinstate, state } = await setup()
    const judged = { key_id, spell: 0, by: 'rule', reason: 'orders', actor: { kind: 'system' } } as const
    await suspend()
    await reinstate()
    expect(await suspendKey(app, judged)).toBe(false)
    expect(await state()).toMatchObject({ suspended_at: null })
    expect(await suspendKey(app, { ...judged, spell: 1 })).toBe(true)
  })
})

describe('the watch', () => {
  test('suspends a key with a burst that is like none before, says by which figures, and leaves the rest alone', async () => {
    const { app, key_id, state, told } = await setup()
    const usual = await aKey(app)
    const small = await aKey(app)
    await used(app, usual.api_key.id, { orders: 900 }, 24 * 13)
    await used(app, usual.api_key.id, { orders: 9_000 })
    await used(app, small.api_key.id, { orders: 20 }, 24)
    await used(app, small.api_key.id, { orders: 5_000 })
    await used(app, key_id, { orders: 600 }, 24)
    await used(app, key_id, { orders: 6_001 })
    expect(await watchKeys(app)).toBe(1)
    expect(await state()).toMatchObject({
      suspended_by: 'rule',
      suspended_for: 'orders',
      suspension_evidence: { found: '6001', most: '6000', usual: '600' },
    })
    expect(await told()).toMatchObject([{ key_id, suspended: { reason: 'orders: 6001, at the most 6000' } }])
    expect(await watchKeys(app)).toBe(0)
  })

  test('forgets what was usual after two weeks, and remembers what keys did that this one took the place of', async () => {
    const { app, key_id, user_id, actor } = await setup()
    const old = await aKey(app)
    await used(app, old.api_key.id, { orders: 900 }, 24 * 15)
    await used(app, old.api_key.id, { orders: 6_000 })
    await used(app, key_id, { orders: 900 }, 48)
    const next = await rotateApiKey(app, { user_id, key_id, by: actor })
    await used(app, next.api_key.id, { orders: 8_999 })
    expect(await watchKeys(app)).toBe(1)
    expect((await apiKeysOf(app, old.user_id))[0]).toMatchObject({ suspended_by: 'rule' })
  })

  test('of two that look at once each key is suspended once', async () => {
    const { app, key_id, told } = await setup()
    await used(app, key_id, { spent: 3_000_000_000 })
    const hold = (tx: { query: App['db']['query'] }) =>
      tx.query('select 1 from identity.api_key where id = $1 for update', [key_id])
    const counts = await atBarrier(app.db, hold, [() => watchKeys(app), () => watchKeys(app)])
    expect(counts.toSorted()).toEqual([0, 1])
    expect(await told()).toMatchObject([{ suspended: { reason: 'spending: 3000.00, at the most 2000.00' } }])
  })

  test('does not suspend again by what a key was reinstated from, but by the same again', async () => {
    const { app, key_id, reinstate, state } = await setup()
    await used(app, key_id, { orders_refused: 2_500 })
    expect(await watchKeys(app)).toBe(1)
    await reinstate()
    expect(await watchKeys(app)).toBe(0)
    expect(await state()).toMatchObject({ suspended_at: null })
    await used(app, key_id, { orders_refused: 2_500 })
    expect(await watchKeys(app)).toBe(1)
  })

  test('counts what the doors tell: requests from elsewhere, and from many networks', async () => {
    const listed = await setup({ allowed_ips: ['192.0.2.0/24'] })
    for (let i = 0; i < 501; i++) await listed.check(listed.key, '198.51.100.7')
    await listed.authentication.key_use.flush()
    expect(await watchKeys(listed.app)).toBe(1)
    expect(await listed.state()).toMatchObject({ suspended_for: 'foreign_requests' })

    const { app, authentication, key, check, state } = await setup()
    for (let i = 0; i < 30; i++) await check(key, `198.51.100.${i}`)
    await authentication.key_use.flush()
    expect(await watchKeys(app)).toBe(0)
    for (let i = 20; i < 51; i++) await check(key, `198.51.100.${i}`)
    await authentication.key_use.flush()
    expect(await watchKeys(app)).toBe(1)
    expect(await state()).toMatchObject({ suspended_for: 'networks', suspension_evidence: { found: '51', most: '50' } })
    app.clock.ahead_ms = 3 * 3_600_000
    await watchKeys(app)
    expect(await app.db.query('select 1 from identity.key_network')).toEqual([])
  })

  test('passes over keys that are revoked or suspended, and last hour’s once it is over', async () => {
    const { app, key_id, user_id } = await setup()
    const late = await aKey(app)
    await used(app, key_id, { orders: 99_999 })
    await used(app, late.api_key.id, { orders: 99_999 }, 2)
    await revokeApiKey(app, { user_id, key_id })
    expect(await watchKeys(app)).toBe(0)
  })
})
