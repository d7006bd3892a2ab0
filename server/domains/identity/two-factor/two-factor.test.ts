import { describe, expect, test } from 'vitest'
import { openSecrets } from '#server/platform/secrets/secrets.ts'
import { atBarrier } from '#test/support/barrier.ts'
import {
  aClient,
  actsOf,
  anAuthentication,
  answerRequests,
  aUser,
  identityApp,
  PASSWORD,
  signedIn,
} from '#test/support/identity.ts'
import { putSetting } from '#test/support/settings.ts'
import { staffTotpRequired } from '../accounts/account-settings.ts'
import { profileOf } from '../accounts/profile.ts'
import { can, type Principal } from '../principal.ts'
import { checkSession } from '../sessions/check-session.ts'
import { CHALLENGE_TTL_MS, createSession } from '../sessions/create-session.ts'
import { finishSignIn } from '../sessions/finish-sign-in.ts'
import { confirmTotp } from './confirm-totp.ts'
import { disableTotp } from './disable-totp.ts'
import { enrolTotp } from './enrol-totp.ts'
import { renewRecoveryCodes } from './renew-recovery-codes.ts'
import { codeAt } from './totp.ts'

const STEP_MS = 30_000
const refusal = (error: { code: string }) => error.code

async function setup(role = 'customer') {
  const app = await identityApp()
  // In the middle of a step, so that none ends while the test runs.
  app.clock.ahead_ms = STEP_MS * 1.5 - (Date.now() % STEP_MS)
  const authentication = await anAuthentication(app)
  const { secrets, attempts } = authentication
  const user = await aUser(app, role)
  const by = { kind: 'user', user_id: user.id, via: 'session' } as const
  const at = (steps: number) => new Date(app.clock.now().getTime() + steps * STEP_MS)
  const begin = async () => {
    const input = { email: user.email, password: PASSWORD, client: aClient() }
    const outcome = await createSession(app, attempts, input)
    if (!('challenge' in outcome)) throw new Error('no second factor was asked for')
    return outcome.challenge
  }
  const finish = (challenge: string, code: string) =>
    finishSignIn(app, secrets, attempts, { challenge, code, client: aClient() })
  const enable = async () => {
    const { token } = await signedIn(app, authentication, { email: user.email })
    const { secret } = await enrolTotp(app, secrets, user.id)
    const code = codeAt(secret, app.clock.now())
    const done = await confirmTotp(app, secrets, { user_id: user.id, code, token, by })
    // So that the code of the set-up is a step behind.
    app.clock.ahead_ms += STEP_MS
    return { secret, ...done, codeIn: (steps: number) => codeAt(secret, at(steps)) }
  }
  return { app, authentication, secrets, user, by, begin, finish, enable }
}

describe('setting up', () => {
  test('the secret is told once, stored sealed, and counts when a code has been seen', async () => {
    const { app, authentication, secrets, user, by, enable } = await setup()
    const { secret, uri } = await enrolTotp(app, secrets, user.id)
    expect(secret).toMatch(/^[A-Z2-7]{32}$/)
    expect(uri).toBe(
      `otpauth://totp/Saldo:${encodeURIComponent(user.email)}?issuer=Saldo&secret=${secret}&algorithm=SHA1&digits=6&period=30`,
    )
    const [row] = await app.db.query<{ text: string }>('select totp::text as text from identity.totp')
    expect(row?.text).not.toContain(secret)
    // Not confirmed, so nothing is asked for; and it may be begun anew.
    const { token } = await signedIn(app, authentication, { email: user.email })
    const wrong = { user_id: user.id, code: '000000', token, by }
    expect(await confirmTotp(app, secrets, wrong).catch(refusal)).toBe('code_refused')
    expect((await profileOf(app, user.id)).totp).toBe(false)
    await enable()
    expect(await enrolTotp(app, secrets, user.id).catch(refusal)).toBe('totp_enabled')
    expect((await profileOf(app, user.id)).totp).toBe(true)
  })

  test('gives ten recovery codes, a new token for this session, and ends the others', async () => {
    const { app, authentication, user, enable } = await setup()
    const other = await signedIn(app, authentication, { email: user.email })
    const { recovery_codes, session } = await enable()
    expect(recovery_codes).toHaveLength(10)
    for (const code of recovery_codes) expect(code).toMatch(/^[a-z2-7]{4}(-[a-z2-7]{4}){3}$/)
    const [row] = await app.db.query<{ text: string }>(
      'select string_agg(code::text, $1) as text from identity.recovery_code code',
      [' '],
    )
    for (const code of recovery_codes) expect(row?.text).not.toContain(code.replaceAll('-', ''))
    expect(await checkSession(authentication, session.token)).toMatchObject({ user_id: user.id })
    await expect.poll(() => checkSession(authentication, other.token)).toMatchObject({ status: 401 })
    expect((await answerRequests(app, authentication)).notices.map((each) => each.kind)).toEqual(['totp_enabled'])
    expect(await actsOf(app)).toContain('totp.enabled')
  })

  test('under another master key the stored secret opens nothing', async () => {
    const { app, authentication, begin, enable } = await setup()
    const { codeIn } = await enable()
    const secrets = await openSecrets({
      mode: 'production',
      home: '',
      secret_key: Buffer.alloc(32, 5).toString('base64'),
    })
    const input = { challenge: await begin(), code: codeIn(0), client: aClient() }
    await expect(finishSignIn(app, secrets, authentication.attempts, input)).rejects.toThrow('which is not configured')
  })
})

describe('signing in', () => {
  test('takes two steps; the challenge of the first opens nothing', async () => {
    const { authentication, user, begin, finish, enable } = await setup()
    const { codeIn } = await enable()
    const challenge = await begin()
    expect(await checkSession(authentication, challenge)).toMatchObject({ status: 401 })
    const done = await finish(challenge, codeIn(0))
    expect(done.user).toEqual(user)
    expect(await checkSession(authentication, done.token)).toMatchObject({ user_id: user.id })
    expect(await finish(challenge, codeIn(1)).catch(refusal)).toBe('challenge_not_valid')
  })

  test.each([
    [-2, 'code_refused'],
    [-1, 'code_refused'],
    [0, 'in'],
    [1, 'in'],
    [2, 'code_refused'],
  ])('a code of the step %i is: %s', async (steps, expected) => {
    const { begin, finish, enable } = await setup()
    // The step before is that of the set-up, and used.
    const { codeIn } = await enable()
    expect(await finish(await begin(), codeIn(steps)).then(() => 'in', refusal)).toBe(expected)
  })

  test('a code of the step before counts, where it was not used', async () => {
    const { app, begin, finish, enable } = await setup()
    const { codeIn } = await enable()
    app.clock.ahead_ms += STEP_MS
    expect(await finish(await begin(), codeIn(-1))).toMatchObject({ token: expect.any(String) })
  })

  test('each step of time counts once, and none before it', async () => {
    const { begin, finish, enable } = await setup()
    const { codeIn } = await enable()
    await finish(await begin(), codeIn(1))
    expect(await finish(await begin(), codeIn(1)).catch(refusal)).toBe('code_refused')
    expect(await finish(await begin(), codeIn(0)).catch(refusal)).toBe('code_refused')
  })

  test('of many with one code at once, one comes in', async () => {
    const { app, begin, finish, enable } = await setup()
    const { codeIn } = await enable()
    const challenges = [await begin(), await begin(), await begin()]
    const outcomes = await atBarrier(
      app.db,
      (tx) => tx.query('select 1 from identity.totp for update'),
      challenges.map((challenge) => () => finish(challenge, codeIn(0)).then(() => 'in', refusal)),
    )
    expect(outcomes.toSorted()).toEqual(['code_refused', 'code_refused', 'in'])
  })

  test('guessing is bounded over challenges, and does not lock out a browser the owner knows', async () => {
    const { app, authentication, secrets, user, begin, finish, enable } = await setup()
    const { codeIn } = await enable()
    const [device] = await app.db.query<{ digest: string }>(
      `select encode(token_hash, 'hex') as digest from identity.known_device limit 1`,
    )
    const codes: string[] = []
    for (let i = 0; i < 12; i++) codes.push(await finish(await begin(), '000000').then(() => 'in', refusal))
    expect(codes.filter((code) => code === 'code_refused')).toHaveLength(10)
    expect(await finish(await begin(), codeIn(0)).catch(refusal)).toBe('too_many_attempts')
    const client = aClient({ device: device?.digest ?? '' })
    const input = { challenge: await begin(), code: codeIn(0), client }
    expect(await finishSignIn(app, secrets, authentication.attempts, input)).toMatchObject({ user: { id: user.id } })
  })

  test('a challenge expires, is no use for a blocked user, and is bound to its user', async () => {
    const { app, user, begin, finish, enable } = await setup()
    const { codeIn } = await enable()
    const challenge = await begin()
    app.clock.ahead_ms += CHALLENGE_TTL_MS
    expect(await finish(challenge, codeIn(0)).catch(refusal)).toBe('challenge_not_valid')
    for (const bad of ['', 'x', `sc_${'A'.repeat(43)}`, challenge.slice(0, -1)]) {
      expect(await finish(bad, codeIn(0)).catch(refusal)).toBe('challenge_not_valid')
    }
    const late = await begin()
    await app.db.query(`update identity.user set state = 'blocked' where id = $1`, [user.id])
    expect(await finish(late, codeIn(0)).catch(refusal)).toBe('account_blocked')
  })
})

describe('recovery codes', () => {
  test('each counts once in place of a code of the app, however it is typed, and the owner is told', async () => {
    const { app, authentication, user, begin, finish, enable } = await setup()
    const { recovery_codes } = await enable()
    await answerRequests(app, authentication)
    const [first = '', second = ''] = recovery_codes
    expect(await finish(await begin(), first.toUpperCase().replaceAll('-', ' '))).toMatchObject({
      user: { id: user.id },
    })
    expect(await finish(await begin(), first).catch(refusal)).toBe('code_refused')
    expect(await finish(await begin(), second)).toMatchObject({ user: { id: user.id } })
    expect((await profileOf(app, user.id)).recovery_codes).toBe(8)
    const { notices } = await answerRequests(app, authentication)
    expect(notices.map((each) => each.kind)).toEqual(['recovery_code_used', 'recovery_code_used'])
  })

  test('of two with one code at once, one comes in', async () => {
    const { app, begin, finish, enable } = await setup()
    const { recovery_codes } = await enable()
    const challenges = [await begin(), await begin()]
    const outcomes = await atBarrier(
      app.db,
      (tx) => tx.query('select 1 from identity.totp for update'),
      challenges.map((challenge) => () => finish(challenge, recovery_codes[0] ?? '').then(() => 'in', refusal)),
    )
    expect(outcomes.toSorted()).toEqual(['code_refused', 'in'])
  })

  test('new ones take the place of all before', async () => {
    const { app, secrets, user, by, begin, finish, enable } = await setup()
    const { recovery_codes, codeIn } = await enable()
    const renew = (code: string) => renewRecoveryCodes(app, secrets, { user_id: user.id, code, by })
    expect(await renew('000000').catch(refusal)).toBe('code_refused')
    const renewed = (await renew(codeIn(0))) as string[]
    expect(renewed).toHaveLength(10)
    expect(await finish(await begin(), recovery_codes[0] ?? '').catch(refusal)).toBe('code_refused')
    expect(await finish(await begin(), renewed[0] ?? '')).toMatchObject({ token: expect.any(String) })
  })
})

test('it is switched off by one of its codes, and then the password is enough again', async () => {
  const { app, authentication, secrets, user, by, enable } = await setup()
  const { session, codeIn } = await enable()
  const disable = (code: string) => disableTotp(app, secrets, { user_id: user.id, code, token: session.token, by })
  expect(await disable('000000').catch(refusal)).toBe('code_refused')
  const rotated = await disable(codeIn(0))
  expect(rotated).not.toMatchObject({ token: session.token })
  expect(await signedIn(app, authentication, { email: user.email })).toMatchObject({ user: { id: user.id } })
  expect(await app.db.query('select 1 from identity.recovery_code')).toEqual([])
  expect(await actsOf(app)).toContain('totp.disabled')
  expect(await disable(codeIn(1)).catch(refusal)).toBe('code_refused')
})

describe('where staff must have one', () => {
  const NEEDED = [
    'audit:read',
    'users:read:customer:1',
    'orders:place:own',
    'api-keys:create:own',
    'account:secure:own',
  ]

  test('a staff session without it may do nothing but set it up, in every process within a second', async () => {
    const { app, authentication, user, enable } = await setup('administrator')
    const { token } = await signedIn(app, authentication, { email: user.email })
    const may = async (needed: string) => can((await checkSession(authentication, token)) as Principal, needed)
    expect(await may('audit:read')).toBe(true)
    await putSetting(app.db, staffTotpRequired, true)
    await expect.poll(() => may('audit:read'), { timeout: 1_000 }).toBe(false)
    for (const needed of NEEDED) expect([needed, await may(needed)]).toEqual([needed, false])
    for (const needed of ['account:read:own', 'account:two-factor:own', 'sessions:end:own']) {
      expect([needed, await may(needed)]).toEqual([needed, true])
    }
    expect(await checkSession(authentication, token)).toMatchObject({ must: 'enrol_totp' })
    const { session } = await enable()
    await expect
      .poll(async () => can((await checkSession(authentication, session.token)) as Principal, 'audit:read'), {
        timeout: 1_000,
      })
      .toBe(true)
  })

  test('customers are not asked', async () => {
    const { app, authentication, user } = await setup()
    await putSetting(app.db, staffTotpRequired, true)
    await app.settings.refresh()
    const { token } = await signedIn(app, authentication, { email: user.email })
    expect(can((await checkSession(authentication, token)) as Principal, 'orders:place:own')).toBe(true)
  })
})
