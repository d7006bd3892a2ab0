import { expect, test } from 'vitest'
import { atBarrier } from '#test/support/barrier.ts'
import { countingStatements } from '#test/support/counting.ts'
import {
  aClient,
  actsOf,
  aKey,
  anAuthentication,
  answerRequests,
  aUser,
  identityApp,
  PASSWORD,
  signedIn,
  tokenOf,
} from '#test/support/identity.ts'
import { checkApiKey } from '../keys/check-api-key.ts'
import { LINK_TTL_MS } from '../links/ask-links.ts'
import { checkSession } from '../sessions/check-session.ts'
import { MAILS_PER_HOUR_MAX } from './answer-registrations.ts'
import { askEmailChange } from './ask-email-change.ts'
import { askPasswordReset } from './ask-password-reset.ts'
import { changePassword } from './change-password.ts'
import { resetPassword } from './reset-password.ts'

const refusal = (error: { code: string }) => error.code
const NEW_PASSWORD = 'staple battery horse'
const BY = { kind: 'user', ip: '192.0.2.1' } as const

async function setup() {
  const app = await identityApp()
  const authentication = await anAuthentication(app)
  const user = await aUser(app)
  const ask = (email = user.email, on = app) => askPasswordReset(on, { email, ip: '192.0.2.1', user_agent: 'test' })
  const answer = () => answerRequests(app, authentication)
  const reset = (token: string, password = NEW_PASSWORD, revoke_api_keys = false) =>
    resetPassword(app, authentication.secrets, { token, password, revoke_api_keys, by: BY })
  const signIn = (password = PASSWORD) => signedIn(app, authentication, { email: user.email, password })
  const openSessions = async () => (await app.db.query('select 1 from identity.session where ended_at is null')).length
  const change = (token: string, current_password = PASSWORD, new_password = NEW_PASSWORD) =>
    changePassword(app, authentication.attempts, {
      user_id: user.id,
      current_password,
      new_password,
      token,
      client: aClient(),
      by: { ...BY, user_id: user.id, via: 'session' },
    })
  return { app, authentication, user, ask, answer, reset, signIn, openSessions, change }
}

test('who forgot the password gets a link, and with it a new password; all sessions end, keys stay', async () => {
  const { app, authentication, user, ask, answer, reset, signIn, openSessions } = await setup()
  const { key } = await aKey(app, { user_id: user.id })
  await signIn()
  await ask(user.email.toUpperCase())
  const { links } = await answer()
  expect(links).toMatchObject([{ email: user.email, purpose: 'reset_password' }])
  expect(await reset(tokenOf(links[0]))).toEqual({ email: user.email })
  expect(await openSessions()).toBe(0)
  expect(await checkApiKey(authentication, key, '192.0.2.1')).toMatchObject({ user_id: user.id })
  expect((await answer()).notices).toMatchObject([{ kind: 'password_changed', user_id: user.id, ip: '192.0.2.1' }])
  expect(await signIn().catch(refusal)).toBe('sign_in_refused')
  expect(await signIn(NEW_PASSWORD)).toMatchObject({ token: expect.any(String) })
  expect(await actsOf(app)).toEqual(expect.arrayContaining(['passwords.reset_asked', 'passwords.changed']))
})

test('on demand the API keys end too', async () => {
  const { app, authentication, user, ask, answer, reset } = await setup()
  const { key } = await aKey(app, { user_id: user.id })
  await ask()
  await reset(tokenOf((await answer()).links[0]), NEW_PASSWORD, true)
  await expect.poll(() => checkApiKey(authentication, key, '192.0.2.1')).toMatchObject({ status: 401 })
})

test('an unknown or blocked address gets nothing, after the same work', async () => {
  const { app, user, ask, answer } = await setup()
  const blocked = await aUser(app)
  await app.db.query(`update identity.user set state = 'blocked' where id = $1`, [blocked.id])
  const { app: counted, count } = countingStatements(app)
  const costs: number[] = []
  for (const email of [user.email, 'nobody@example.com', blocked.email]) {
    const before = count()
    await ask(email, counted as typeof app)
    costs.push(count() - before)
  }
  expect(costs).toEqual([1, 1, 1])
  expect((await answer()).links.map((each) => each.email)).toEqual([user.email])
})

test('mails are bounded by account; many wishes at once are one mail', async () => {
  const { app, ask, answer } = await setup()
  await Promise.all([ask(), ask(), ask()])
  expect((await answer()).links).toHaveLength(1)
  for (let i = 0; i < MAILS_PER_HOUR_MAX + 3; i++) {
    await ask()
    await answer()
  }
  const links = await app.db.query(`select 1 from identity.one_time_link where purpose = 'reset_password'`)
  expect(links).toHaveLength(MAILS_PER_HOUR_MAX)
})

test('of two who use one link at once, one sets the password', async () => {
  const { app, ask, answer, reset, signIn } = await setup()
  await ask()
  const token = tokenOf((await answer()).links[0])
  const passwords = ['first of the two', 'second of the two']
  const outcomes = await atBarrier(
    app.db,
    (tx) => tx.query('select 1 from identity.one_time_link for update'),
    passwords.map((password) => () => reset(token, password).then(() => password, refusal)),
  )
  expect(outcomes.filter((each) => each === 'link_not_valid')).toHaveLength(1)
  const [winner = ''] = outcomes.filter((each) => each !== 'link_not_valid')
  expect(await signIn(winner)).toMatchObject({ token: expect.any(String) })
})

test('a bad password leaves the link as it is; a used, expired or older one works no more', async () => {
  const { app, ask, answer, reset } = await setup()
  const links = []
  for (let i = 0; i < 2; i++) {
    await ask()
    links.push(...(await answer()).links)
  }
  const [older, newer] = links.map(tokenOf) as [string, string]
  expect(await reset(newer, 'short').catch(refusal)).toBe('bad_field')
  await reset(newer)
  expect(await reset(newer).catch(refusal)).toBe('link_not_valid')
  expect(await reset(older).catch(refusal)).toBe('link_not_valid')
  await ask()
  const [late] = (await answer()).links
  app.clock.ahead_ms = LINK_TTL_MS.reset_password + 1_000
  expect(await reset(tokenOf(late)).catch(refusal)).toBe('link_not_valid')
})

test('a second factor survives a new password, and a sign-in half done does not', async () => {
  const { app, user, ask, answer, reset } = await setup()
  await app.db.query(
    `insert into identity.totp (user_id, secret_ciphertext, key_id, created_at, confirmed_at)
     values ($1, decode(repeat('00', 40), 'hex'), repeat('0', 16), now(), now())`,
    [user.id],
  )
  await app.db.query(
    `insert into identity.sign_in_challenge (token_hash, user_id, created_at, expires_at)
     values (sha256('x'), $1, now(), now() + interval '5 minutes')`,
    [user.id],
  )
  await ask()
  await reset(tokenOf((await answer()).links[0]))
  expect(await app.db.query('select 1 from identity.totp')).toHaveLength(1)
  expect(await app.db.query('select 1 from identity.sign_in_challenge')).toEqual([])
})

test('a change of password needs the current one, ends the other sessions and gives this one a new token', async () => {
  const { app, authentication, user, answer, signIn, change, openSessions } = await setup()
  const [mine, other] = [await signIn(), await signIn()]
  expect(await change(mine.token, 'wrong password').catch(refusal)).toBe('wrong_password')
  const session = await change(mine.token)
  expect(session.token).not.toBe(mine.token)
  expect(session.expires_at).toEqual(mine.expires_at)
  expect(await openSessions()).toBe(1)
  for (const gone of [mine, other]) {
    await expect.poll(() => checkSession(authentication, gone.token)).toMatchObject({ status: 401 })
  }
  expect(await checkSession(authentication, session.token)).toMatchObject({ user_id: user.id })
  expect((await answer()).notices.map((each) => each.kind)).toEqual(['password_changed'])
  expect(await signIn(NEW_PASSWORD)).toMatchObject({ token: expect.any(String) })
  expect(await actsOf(app)).toContain('passwords.changed')
})

test('guessing the current password in a session that was found is bounded', async () => {
  const { signIn, change } = await setup()
  const { token } = await signIn()
  const codes = []
  for (let i = 0; i < 12; i++) codes.push(await change(token, 'wrong password').catch(refusal))
  expect(codes.filter((code) => code === 'wrong_password')).toHaveLength(10)
  expect(await change(token).catch(refusal)).toBe('too_many_attempts')
  expect(await signIn()).toMatchObject({ token: expect.any(String) })
})

test('a new password voids what the old one had set going', async () => {
  const { app, authentication, user, ask, answer, signIn, change, reset } = await setup()
  const { token } = await signIn()
  await askEmailChange(app, authentication.attempts, {
    user_id: user.id,
    new_email: 'attacker@example.com',
    password: PASSWORD,
    client: aClient(),
    by: { ...BY, user_id: user.id },
  })
  await ask()
  const { links } = await answer()
  expect(links).toHaveLength(3)
  await change(token)
  const open = await app.db.query('select 1 from identity.one_time_link where voided_at is null and used_at is null')
  expect(open).toEqual([])
  expect(await app.db.query('select 1 from identity.email_change where voided_at is null')).toEqual([])
  for (const link of links) expect(await reset(tokenOf(link)).catch(refusal)).toBe('link_not_valid')
})
