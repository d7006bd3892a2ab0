import { expect, test } from 'vitest'
import { createUser } from '#server/domains/identity/create-user.ts'
import { openDoors } from '#test/support/doors.ts'
import { routesOf } from '#test/support/routes.ts'

const PASSWORD = 'long enough for all'

async function setup() {
  const doors = await openDoors()
  const { url, shop } = doors
  const user = await createUser(shop.app, { email: 'cookie@example.com', password: PASSWORD, role: 'administrator' })
  const post = async (path: string, body: unknown, headers: Record<string, string> = {}) => {
    const sent = { method: 'POST', headers: { 'content-type': 'application/json', ...headers } }
    const response = await fetch(`${url}${path}`, { ...sent, body: JSON.stringify(body) })
    const text = await response.text()
    return { response, status: response.status, body: text === '' ? {} : JSON.parse(text) }
  }
  const signIn = (headers: Record<string, string> = {}) =>
    post('/api/v1/sessions', { email: user.email, password: PASSWORD }, headers)
  return { ...doors, user, post, signIn }
}

test('by cookie no route that changes something listens to another site, or to a request that names none', async () => {
  const { url, signIn } = await setup()
  const cookie = (await signIn()).response.headers.getSetCookie()[0]?.split(';')[0] ?? ''
  // A list of permissions is that of the panels' form, which takes keys alone.
  const routes = (await routesOf(url)).filter((each) => each.method !== 'GET' && typeof each.permission === 'string')
  expect(routes.length).toBeGreaterThan(30)
  for (const { method, path } of routes) {
    for (const origin of ['https://evil.example', 'null', undefined]) {
      const address = `${url}${path.replaceAll(/\{\w+\}/g, '1')}`
      const response = await fetch(address, { method, headers: { cookie, ...(origin && { origin }) } })
      const { code } = (await response.json()) as { code: string }
      expect({ method, path, origin, code }).toEqual({ method, path, origin, code: 'foreign_origin' })
    }
  }
}, 60_000)

test('the public forms of accounts do not listen to another site’s page', async () => {
  const { url, post } = await setup()
  const forms = (await routesOf(url)).filter(({ method, path, permission }) => {
    return method === 'POST' && permission === null && /registrations|password-resets|email-c|sessions/.test(path)
  })
  expect(forms.length).toBeGreaterThan(8)
  for (const { path } of forms) {
    const body = {
      email: 'a@example.com',
      password: PASSWORD,
      token: 'x',
      registration: 'x',
      challenge: 'x',
      code: 'x',
    }
    const { status } = await post(path, body, { origin: 'https://evil.example' })
    expect([path, [400, 403].includes(status)]).toEqual([path, true])
  }
  const reset = await post('/api/v1/password-resets', { email: 'a@example.com' }, { origin: 'https://evil.example' })
  expect(reset.body.code).toBe('foreign_origin')
})

test('nobody gives themselves a role, a confirmation or an owner by a field that is none', async () => {
  const { url, post, signIn } = await setup()
  const headers = { authorization: `Bearer ${(await signIn()).body.token}` }
  const registration = { email: 'new@example.com', password: PASSWORD }
  for (const field of ['role', 'id', 'state', 'email_confirmed_at', 'permissions', 'granted', 'self_registered']) {
    const { status, body } = await post('/api/v1/registrations', { ...registration, [field]: 'administrator' })
    expect([field, status, body.errors]).toEqual([field, 400, [{ field, reason: 'is not a known field' }]])
  }
  const profile = await fetch(`${url}/api/v1/profile`, {
    method: 'PATCH',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'x', role: 'administrator', email: 'other@example.com' }),
  })
  expect(profile.status).toBe(400)
  expect((await post('/api/v1/api-keys', { name: 'x', user_id: '1' }, headers)).status).toBe(400)
})

test('a session that was planted in a browser is not taken over by signing in', async () => {
  const { shop, signIn } = await setup()
  const planted = `ss_${'A'.repeat(43)}`
  const { body, response } = await signIn({ cookie: `saldo_session=${planted}` })
  expect(body.token).not.toBe(planted)
  expect(response.headers.getSetCookie()[0]).toContain(body.token)
  const sessions = await shop.app.db.query('select 1 from identity.session')
  expect(sessions).toHaveLength(1)
})

test('a token in the address opens nothing', async () => {
  const { url, signIn } = await setup()
  const { token } = (await signIn()).body
  for (const name of ['token', 'access_token', 'session', 'authorization', 'saldo_session', 'key', 'api_key']) {
    expect((await fetch(`${url}/api/v1/me?${name}=${token}`)).status).toBe(401)
  }
})

test('headers that are too large or out of form are refused and fail nothing', async () => {
  const { url, signIn } = await setup()
  const { token } = (await signIn()).body
  const status = async (headers: Record<string, string>) => (await fetch(`${url}/api/v1/me`, { headers })).status
  expect(await status({ authorization: `Bearer ${'x'.repeat(20_000)}` })).toBe(431)
  expect(await status({ cookie: `saldo_session=${'x'.repeat(10_000)}` })).toBe(401)
  expect(await status({ cookie: `${'a=b; '.repeat(2_000)}saldo_session=${token}` })).toBe(200)
  expect(await status({ authorization: `Bearer ${token} ${token}` })).toBe(401)
  expect((await signIn({ 'user-agent': 'x'.repeat(10_000) })).status).toBe(201)
})

test('each page behind a mailed link speaks three languages, loads its script from us alone and has no script within', async () => {
  const { url } = await setup()
  for (const name of ['confirm', 'reset', 'change-email']) {
    for (const lang of ['en', 'bn', 'ru']) {
      const response = await fetch(`${url}/account/${name}?lang=${lang}`)
      const html = await response.text()
      expect([name, response.status]).toEqual([name, 200])
      expect(response.headers.get('content-security-policy')).toContain("default-src 'self'")
      expect(html).toContain(`<html lang="${lang}">`)
      expect(html.match(/<script[^>]*>/g)).toEqual(['<script src="/account/page.js" defer>'])
      expect(html).not.toMatch(/\son\w+="/)
    }
  }
  expect((await fetch(`${url}/account/confirm?lang=xx`)).status).toBe(200)
  const script = await fetch(`${url}/account/page.js`)
  expect(script.headers.get('content-type')).toBe('text/javascript; charset=utf-8')
})
