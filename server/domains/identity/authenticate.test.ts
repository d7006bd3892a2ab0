import type { IncomingHttpHeaders } from 'node:http'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ProblemError } from '#server/platform/http/problem.ts'
import { aKey, anAuthentication, identityApp, signedIn } from '#test/support/identity.ts'
import { authenticate, presentedBy, refuseForeignOrigin } from './authenticate.ts'
import { userById } from './queries.ts'

/** As a browser on this machine sends it. */
const REQUEST = { protocol: 'http', hostname: 'localhost', ip: '192.0.2.1' }

async function setup() {
  const app = await identityApp()
  const authentication = await anAuthentication(app)
  const { key, user_id } = await aKey(app)
  const user = await userById(app, user_id)
  const { token } = await signedIn(app, authentication, { email: user?.email ?? '' })
  const as = (headers: IncomingHttpHeaders, method = 'GET') =>
    authenticate(authentication, { ...REQUEST, method, headers: { host: 'localhost', ...headers } })
  return { app, authentication, key, token, user_id, as }
}

test('a key or a session is found in each of its headers', async () => {
  const { key, token, user_id, as } = await setup()
  for (const [headers, via] of [
    [{ authorization: `ApiKey ${key}` }, 'key'],
    [{ authorization: `apikey   ${key}` }, 'key'],
    [{ 'x-api-key': key }, 'key'],
    [{ authorization: `Bearer ${token}` }, 'session'],
    [{ cookie: `theme=dark; saldo_session=${token}; a=b` }, 'session'],
    [{ authorization: `Bearer ${token}`, 'x-api-key': 'wrong', cookie: 'saldo_session=wrong' }, 'session'],
    [{ 'x-api-key': key, cookie: 'saldo_session=wrong' }, 'key'],
  ] as const) {
    expect(await as(headers)).toMatchObject({ user_id, via })
  }
})

test('a header in front that is wrong is not made good by another one behind', async () => {
  const { key, token, as } = await setup()
  for (const headers of [
    {},
    { authorization: '' },
    { authorization: key },
    { authorization: `Basic ${key}` },
    { authorization: `Bearer ${key}` },
    { authorization: `ApiKey ${token}` },
    { authorization: `ApiKey ${key}, ApiKey ${key}` },
    { authorization: `ApiKey ${'x'.repeat(100_000)}` },
    { authorization: 'nonsense', cookie: `saldo_session=${token}` },
    { 'x-api-key': `${key}, ${key}`, cookie: `saldo_session=${token}` },
    { 'x-api-key': '', cookie: `saldo_session=${token}` },
    { cookie: `saldo_session=${token}; saldo_session=${token}` },
    { cookie: `xsaldo_session=${token}` },
    { cookie: `saldo_session=${key}` },
  ]) {
    await expect(as(headers), JSON.stringify(headers)).rejects.toMatchObject({ code: 'unauthenticated', status: 401 })
  }
})

test('any headers end in a principal or a refusal, and no refusal repeats them', async () => {
  const { as } = await setup()
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.tuple(fc.constantFrom('Bearer ', 'ApiKey ', 'saldo_session='), fc.string()).map((parts) => parts.join('')),
  )
  const headers = fc.record(
    { authorization: text, 'x-api-key': text, cookie: text, origin: text, host: text },
    { requiredKeys: [] },
  )
  await fc.assert(
    fc.asyncProperty(headers, fc.constantFrom('GET', 'POST', 'DELETE', 'X'), async (given, method) => {
      const refusal = await as(given, method).catch((error: unknown) => error)
      expect(refusal).toBeInstanceOf(ProblemError)
      expect([401, 403]).toContain((refusal as ProblemError).status)
    }),
  )
})

describe('a change by cookie', () => {
  test.each([
    [undefined, 'POST', 'http://saldo.example', true],
    [undefined, 'POST', 'https://saldo.example', true],
    [undefined, 'POST', 'https://saldo.example:8443', false],
    [undefined, 'POST', 'https://evil.example', false],
    [undefined, 'DELETE', 'https://saldo.example.evil.example', false],
    [undefined, 'PATCH', 'null', false],
    [undefined, 'POST', '', false],
    [undefined, 'POST', undefined, false],
    [undefined, 'GET', 'https://evil.example', true],
    ['https://public.example', 'POST', 'https://public.example', true],
    ['https://public.example', 'POST', 'http://public.example', false],
    ['https://public.example', 'POST', 'http://saldo.example', false],
  ])('public origin %s, %s from %s: %s', (public_origin, method, origin, expected) => {
    const headers = { host: 'saldo.example', ...(origin === undefined ? {} : { origin }) }
    const ask = () => refuseForeignOrigin({ public_origin }, { ...REQUEST, method, headers }, 'must be told')
    if (expected) ask()
    else expect(ask).toThrow(expect.objectContaining({ code: 'foreign_origin', status: 403 }))
  })

  test('needs the origin, a change by bearer does not', async () => {
    const { token, user_id, as } = await setup()
    await expect(as({ cookie: `saldo_session=${token}` }, 'POST')).rejects.toMatchObject({ code: 'foreign_origin' })
    const origin = 'http://localhost'
    expect(await as({ cookie: `saldo_session=${token}`, origin }, 'POST')).toMatchObject({ user_id })
    expect(await as({ authorization: `Bearer ${token}` }, 'POST')).toMatchObject({ user_id })
  })
})

test('what headers present is told without a look into the database', () => {
  expect(presentedBy({ ...REQUEST, headers: {} })).toEqual({ how: 'nothing' })
  expect(presentedBy({ ...REQUEST, headers: { cookie: 'a=b' } })).toEqual({ how: 'nothing' })
  expect(presentedBy({ ...REQUEST, headers: { authorization: 'Bearer t' } })).toEqual({ how: 'bearer', token: 't' })
})

test('over HTTPS only the cookie that no neighbour can plant counts', () => {
  const of = (cookie: string, hostname = 'saldo.example', protocol = 'https') =>
    presentedBy({ ...REQUEST, hostname, protocol, headers: { cookie } })
  expect(of('__Host-saldo_session=t')).toEqual({ how: 'cookie', token: 't' })
  expect(of('saldo_session=planted; __Host-saldo_session=t')).toEqual({ how: 'cookie', token: 't' })
  expect(of('saldo_session=planted')).toEqual({ how: 'nothing' })
  expect(of('saldo_session=planted', 'saldo.example', 'http')).toEqual({ how: 'nothing' })
  expect(of('saldo_session=t', '127.0.0.1', 'http')).toEqual({ how: 'cookie', token: 't' })
})
