import fc from 'fast-check'
import { expect, test } from 'vitest'
import { anAuthentication, aUser, identityApp, signedIn, waitFor } from '#test/support/identity.ts'
import { checkSession } from './check-session.ts'
import { endOwnSessions } from './end-own-sessions.ts'
import { SESSION_TTL_MS } from './open-session.ts'

async function setup() {
  const app = await identityApp()
  const authentication = await anAuthentication(app)
  const user = await aUser(app)
  const signIn = () => signedIn(app, authentication, { email: user.email })
  const end = (token: string) =>
    endOwnSessions(app, { user_id: user.id, which: { token }, by: { kind: 'user', user_id: user.id } })
  return { app, authentication, user, signIn, end }
}

test('a session answers its user with every scope', async () => {
  const { authentication, user, signIn } = await setup()
  const { token } = await signIn()
  expect(await checkSession(authentication, token)).toMatchObject({
    user_id: user.id,
    session_area: null,
    role: 'customer',
    permissions: expect.arrayContaining(['orders:*:own']),
    via: 'session',
    key_id: undefined,
    scopes: ['*'],
    legacy_get: false,
  })
})

test('a session that ended is refused within a second by every process, its neighbour is not', async () => {
  const { app, authentication, signIn, end } = await setup()
  const other = await anAuthentication(app)
  const [ended, kept] = await Promise.all([signIn(), signIn()])
  for (const each of [authentication, other]) {
    expect(await checkSession(each, ended.token)).toMatchObject({ via: 'session' })
  }
  const refusals = [authentication, other].map((each) =>
    waitFor(async () => (await checkSession(each, ended.token)) instanceof Error, 5_000),
  )
  const start = performance.now()
  await end(ended.token)
  await Promise.all(refusals)
  expect(performance.now() - start).toBeLessThan(1_000)
  expect(await checkSession(authentication, kept.token)).toMatchObject({ via: 'session' })
  await end(ended.token)
  await end('nonsense')
})

test('a session ends for a blocked user, and when it is deleted', async () => {
  const { app, authentication, signIn } = await setup()
  const { token } = await signIn()
  const refused = () => waitFor(async () => (await checkSession(authentication, token)) instanceof Error, 1_000)
  expect(await checkSession(authentication, token)).toMatchObject({ via: 'session' })
  await app.db.query(`update identity.user set state = 'blocked'`)
  await refused()
  await app.db.query(`update identity.user set state = 'active'`)
  await waitFor(async () => !((await checkSession(authentication, token)) instanceof Error), 1_000)
  await app.db.query('delete from identity.session')
  await refused()
})

test('a session expires though it is in memory', async () => {
  const { app, authentication, signIn } = await setup()
  const { token } = await signIn()
  expect(await checkSession(authentication, token)).toMatchObject({ via: 'session' })
  app.clock.ahead_ms = SESSION_TTL_MS
  expect(await checkSession(authentication, token)).toMatchObject({ code: 'unauthenticated', status: 401 })
})

test('when a session was last seen is written at the flush', async () => {
  const { app, authentication, signIn } = await setup()
  const { token } = await signIn()
  app.clock.ahead_ms = 120_000
  await checkSession(authentication, token)
  await authentication.sessions_seen.flush()
  const [row] = await app.db.query<{ later_s: number }>(
    'select extract(epoch from last_seen_at - created_at)::int as later_s from identity.session',
  )
  expect(row?.later_s).toBeGreaterThanOrEqual(119)
})

test('no text but a token of ours is a session, and nothing throws', async () => {
  const { authentication } = await setup()
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.string({ unit: fc.constantFrom(...'Aa0_-'), minLength: 43, maxLength: 43 }).map((text) => `ss_${text}`),
      ),
      async (token) => {
        expect(await checkSession(authentication, token)).toMatchObject({ code: 'unauthenticated' })
      },
    ),
  )
})
