import { expect, test } from 'vitest'
import { aClient, actsOf, anAuthentication, aUser, identityApp, signedIn } from '#test/support/identity.ts'
import { putSetting } from '#test/support/settings.ts'
import { confirmationRequired } from '../accounts/account-settings.ts'
import { can, type Principal } from '../principal.ts'
import { checkSession } from './check-session.ts'
import { endOwnSessions, type WhichSessions } from './end-own-sessions.ts'
import { listSessions } from './list-sessions.ts'

const refusal = (error: { code: string }) => error.code

async function setup() {
  const app = await identityApp()
  const authentication = await anAuthentication(app)
  const user = await aUser(app)
  const signIn = (ip = '192.0.2.1') => signedIn(app, authentication, { email: user.email, client: aClient({ ip }) })
  const end = (which: WhichSessions, of = user) =>
    endOwnSessions(app, { user_id: of.id, which, by: { kind: 'user', user_id: of.id } })
  const list = (token: string) => listSessions(app, { user_id: user.id, token })
  const gone = (token: string) =>
    expect.poll(() => checkSession(authentication, token), { timeout: 1_000 }).toMatchObject({ status: 401 })
  return { app, authentication, user, signIn, end, list, gone }
}

test('a user sees the own open sessions, the one that asks first', async () => {
  const { app, signIn, end, list } = await setup()
  const [first, second, third] = [await signIn(), await signIn('198.51.100.7'), await signIn()]
  await signedIn(app, await anAuthentication(app), { email: (await aUser(app)).email })
  await end({ token: third.token })
  const sessions = await list(first.token)
  expect(sessions.map((each) => [each.current, each.ip])).toEqual([
    [true, '192.0.2.1'],
    [false, '198.51.100.7'],
  ])
  expect((await list(second.token))[0]).toMatchObject({ current: true, ip: '198.51.100.7' })
})

test('one is ended by its number, by its owner alone', async () => {
  const { app, signIn, end, list, gone } = await setup()
  const [mine, other] = [await signIn(), await signIn()]
  const id = (await list(mine.token)).find((each) => !each.current)?.id ?? 0n
  expect(await end({ id }, await aUser(app)).catch(refusal)).toBe('session_not_found')
  expect(await end({ id })).toBe(1)
  await gone(other.token)
  expect(await end({ id }).catch(refusal)).toBe('session_not_found')
  expect(await list(mine.token)).toHaveLength(1)
})

test('all but this one end, or all', async () => {
  const { app, authentication, signIn, end, gone } = await setup()
  const [mine, second, third] = [await signIn(), await signIn(), await signIn()]
  expect(await end({ all_but: mine.token })).toBe(2)
  await gone(second.token)
  await gone(third.token)
  expect(await checkSession(authentication, mine.token)).toMatchObject({ via: 'session' })
  expect(await end('all')).toBe(1)
  await gone(mine.token)
  expect(await end('all')).toBe(0)
  expect((await actsOf(app)).filter((each) => each === 'sessions.ended')).toHaveLength(2)
})

test('each sign-in has a token of its own, whatever the client brings', async () => {
  const { signIn } = await setup()
  const tokens = [await signIn(), await signIn()].map((each) => each.token)
  expect(new Set(tokens).size).toBe(2)
})

test('who registered and has not confirmed may do no more than that, as long as the setting says so', async () => {
  const { app, authentication, user, signIn } = await setup()
  await app.db.query('update identity.user set self_registered = true where id = $1', [user.id])
  const { token } = await signIn()
  const may = async (needed: string) => can((await checkSession(authentication, token)) as Principal, needed)
  for (const needed of ['account:read:own', 'account:edit:own', 'sessions:end:own', 'services:read']) {
    expect([needed, await may(needed)]).toEqual([needed, true])
  }
  for (const needed of ['orders:place:own', 'api-keys:create:own', 'balance:read:own']) {
    expect([needed, await may(needed)]).toEqual([needed, false])
  }
  await putSetting(app.db, confirmationRequired, false)
  await expect.poll(() => may('orders:place:own'), { timeout: 1_000 }).toBe(true)
  await putSetting(app.db, confirmationRequired, true)
  await expect.poll(() => may('orders:place:own'), { timeout: 1_000 }).toBe(false)
  await app.db.query('update identity.user set email_confirmed_at = now() where id = $1', [user.id])
  await expect.poll(() => may('orders:place:own'), { timeout: 1_000 }).toBe(true)
})
