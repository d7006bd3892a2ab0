import { expect, onTestFinished, test } from 'vitest'
import { captchaControlOf } from '#sandbox/captcha/client.ts'
import { startCaptcha } from '#sandbox/captcha/start-captcha.ts'
import { aClient, anAuthentication, aUser, identityApp, PASSWORD } from '#test/support/identity.ts'
import { createSession } from '../sessions/create-session.ts'
import { checkCaptcha } from './check-captcha.ts'
import type { CaptchaAction } from './errors.ts'

const SECRET = 'sandbox-captcha-secret'
const refusal = (error: { code: string }) => error.code

async function setup(options: { secret?: string; public_url?: string } = {}) {
  const captcha = await startCaptcha({ secret: SECRET })
  onTestFinished(() => captcha.close())
  const { secret = SECRET, ...rest } = options
  const app = await identityApp({ ...rest, captcha: { site_key: 'site', secret, url: captcha.verify_url } })
  const control = captchaControlOf(captcha.url)
  const check = (token: string | undefined, action: CaptchaAction = 'register') =>
    checkCaptcha(app, { token, action, ip: '192.0.2.1' }).then(() => 'passed', refusal)
  return { app, control, check }
}

test('a token that was solved passes once, with the visitor’s address and a key for asking again', async () => {
  const { control, check } = await setup()
  const token = await control.solve({ action: 'register' })
  expect(await check(token)).toBe('passed')
  expect(await check(token)).toBe('captcha_required')
  expect(await control.checks()).toMatchObject([
    { token, remoteip: '192.0.2.1', idempotency_key: expect.stringMatching(/^[0-9a-f-]{36}$/), success: true },
    { token, success: false },
  ])
})

test('no token, a made-up one, and one of another form or site are refused, with the site key', async () => {
  const { app, control, check } = await setup({ public_url: 'https://saldo.example' })
  for (const token of [undefined, 'made up', 'x'.repeat(2_048)]) expect(await check(token)).toBe('captcha_required')
  expect(await check(await control.solve({ action: 'reset', hostname: 'saldo.example' }))).toBe('captcha_required')
  expect(await check(await control.solve({ action: 'register', hostname: 'evil.example' }))).toBe('captcha_required')
  expect(await check(await control.solve({ action: 'register', hostname: 'saldo.example' }))).toBe('passed')
  const asked = checkCaptcha(app, { token: undefined, action: 'sign_in', ip: '' })
  await expect(asked).rejects.toMatchObject({ extra: { captcha: { site_key: 'site', action: 'sign_in' } } })
})

test.each(['cut_after', 'bad_json'] as const)(
  'a verdict that was lost once (%s) is asked for again and stands',
  async (fault) => {
    const { control, check } = await setup()
    await control.setFaults({ [fault]: { probability: 1, limit: 1 } })
    expect(await check(await control.solve({ action: 'register' }))).toBe('passed')
    expect(await control.fired()).toEqual({ [fault]: 1 })
  },
)

test.each(['http_5xx', 'internal_error', 'hang', 'cut_after', 'bad_json'] as const)(
  'without a verdict (%s) a registration waits, and the others go on',
  async (fault) => {
    const { app, control, check } = await setup()
    await control.setFaults({ [fault]: 1 })
    const token = await control.solve()
    const outcomes = await Promise.all(
      (['register', 'reset', 'sign_in'] as const).map((action) => check(token, action)),
    )
    expect(outcomes).toEqual(['captcha_unavailable', 'passed', 'passed'])
    expect(app.logged.join()).toContain('the captcha gave no verdict')
    expect(app.logged.join()).not.toContain(SECRET)
  },
  30_000,
)

test('a secret of ours that is wrong shuts nobody out of their account', async () => {
  const { control, check } = await setup({ secret: 'wrong' })
  const token = await control.solve()
  expect(await check(token, 'sign_in')).toBe('passed')
  expect(await check(token, 'register')).toBe('captcha_unavailable')
})

test('a refusal as a duplicate is a refusal', async () => {
  const { control, check } = await setup()
  await control.setFaults({ duplicate: 1 })
  expect(await check(await control.solve(), 'sign_in')).toBe('captcha_required')
})

test('signing in asks for it after failures, and a solved one lets the right password in', async () => {
  const { app, control } = await setup()
  const { attempts } = await anAuthentication(app)
  const user = await aUser(app)
  const signIn = (password: string, captcha?: string) =>
    createSession(app, attempts, { email: user.email, password, client: aClient(), ...(captcha && { captcha }) }).then(
      () => 'in',
      refusal,
    )
  for (let i = 0; i < 3; i++) expect(await signIn('wrong password')).toBe('sign_in_refused')
  for (let i = 0; i < 15; i++) expect(await signIn(PASSWORD)).toBe('captcha_required')
  expect(await signIn(PASSWORD, await control.solve({ action: 'sign_in' }))).toBe('in')
})

test('where none is configured none is asked for', async () => {
  const app = await identityApp()
  await checkCaptcha(app, { token: undefined, action: 'register', ip: '' })
})
