import { expect, test } from 'vitest'
import { actsIn } from '#test/support/acts.ts'
import { aKey, anAuthentication, aUser, identityApp, waitFor } from '#test/support/identity.ts'
import { checkApiKey } from './check-api-key.ts'
import { revokeApiKey } from './revoke-api-key.ts'

const IP = '192.0.2.1'

test('a revoked key is refused within a second by every process, also under use', async () => {
  const app = await identityApp()
  const processes = await Promise.all([anAuthentication(app), anAuthentication(app)])
  const { key, api_key, user_id } = await aKey(app)
  for (const each of processes) expect(await checkApiKey(each, key, IP)).toMatchObject({ user_id, key_id: api_key.id })
  const refusals = processes.map((each) =>
    waitFor(async () => (await checkApiKey(each, key, IP)) instanceof Error, 5_000),
  )
  const start = performance.now()
  await revokeApiKey(app, { user_id, key_id: api_key.id })
  await Promise.all(refusals)
  expect(performance.now() - start).toBeLessThan(1_000)
})

test('a key revoked while the listening connection is cut is refused within a second', async () => {
  const app = await identityApp()
  const authentication = await anAuthentication(app)
  const { key, api_key, user_id } = await aKey(app)
  expect(await checkApiKey(authentication, key, IP)).toMatchObject({ user_id })
  await app.db.transaction(async (tx) => {
    const cut = await tx.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and query in ('select 1', 'listen "identity_changed"')`,
    )
    // That of the settings is cut with it.
    expect(cut.length).toBeGreaterThan(0)
    await tx.query('update identity.api_key set revoked_at = now() where id = $1', [api_key.id])
  })
  const took_ms = await waitFor(async () => (await checkApiKey(authentication, key, IP)) instanceof Error, 5_000)
  expect(took_ms).toBeLessThan(1_000)
  expect(app.logged.join()).toContain('listening connection lost')
})

test('of two owners each revokes only their own, and again does nothing', async () => {
  const app = await identityApp()
  const authentication = await anAuthentication(app)
  const { key, api_key, user_id } = await aKey(app)
  const other = await aUser(app)
  const refused = { code: 'api_key_not_found', status: 404 }
  await expect(revokeApiKey(app, { user_id: other.id, key_id: api_key.id })).rejects.toMatchObject(refused)
  await expect(revokeApiKey(app, { user_id, key_id: api_key.id + 1n })).rejects.toMatchObject(refused)
  expect(await checkApiKey(authentication, key, IP)).toMatchObject({ user_id })
  const revokedAt = async () => {
    await revokeApiKey(app, { user_id, key_id: api_key.id })
    return app.db.query('select revoked_at from identity.api_key')
  }
  const first = await revokedAt()
  app.clock.ahead_ms = 60_000
  expect(await revokedAt()).toEqual(first)
  const subject_id = String(api_key.id)
  expect(await actsIn(app.db, 'api-keys.')).toMatchObject([
    { action: 'api-keys.created', subject_id, after: { prefix: key.slice(0, 9), scopes: ['*'] } },
    { action: 'api-keys.revoked', subject_id, after: { prefix: key.slice(0, 9) } },
  ])
})
