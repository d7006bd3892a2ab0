import { expect, test } from 'vitest'
import { aKey, anAuthentication, anIdentityServer, aUser, identityApp, PASSWORD } from '#test/support/identity.ts'
import { principalOf } from './guard-routes.ts'

async function setup(options: { public_url?: string } = {}) {
  const app = await identityApp(options)
  const authentication = await anAuthentication(app)
  const { url, host } = await anIdentityServer(app, authentication, (server) => {
    server.get('/open', { config: { permission: null } }, async () => 'open')
    server.get('/staff', { config: { permission: 'users:read' } }, async (request) => principalOf(request).role)
  })
  const call = async (
    method: string,
    path: string,
    options: { headers?: Record<string, string>; body?: unknown } = {},
  ) => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { ...(options.body === undefined ? {} : { 'content-type': 'application/json' }), ...options.headers },
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, body: text.startsWith('{') ? JSON.parse(text) : text }
  }
  const signIn = async (email: string, headers: Record<string, string> = {}) =>
    call('POST', '/api/v1/sessions', { body: { email, password: PASSWORD }, headers })
  return { app, authentication, host, call, signIn }
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

test('sign in, see oneself, sign out', async () => {
  const { app, call, signIn } = await setup()
  const user = await aUser(app)
  const signed_in = await signIn(user.email)
  expect(signed_in.status).toBe(201)
  expect(signed_in.body).toEqual({
    token: expect.stringMatching(/^ss_/),
    expires_at: expect.any(String),
    user: expect.objectContaining({ id: user.id.toString(), email: user.email, role: 'customer' }),
  })
  const headers = bearer(signed_in.body.token)
  expect((await call('GET', '/api/v1/me', { headers })).body).toMatchObject({
    user: { email: user.email },
    via: 'session',
    scopes: ['*'],
    permissions: expect.arrayContaining(['orders:*:own']),
  })
  const signed_out = await call('DELETE', '/api/v1/sessions/current', { headers })
  expect(signed_out.status).toBe(204)
  expect(signed_out.headers.get('set-cookie')).toContain('Max-Age=0')
})

test('the cookie signs in as the token does, and is kept from scripts and other sites', async () => {
  const { app, host, call, signIn } = await setup()
  const user = await aUser(app)
  const [set_cookie = '', device_cookie] = (await signIn(user.email)).headers.getSetCookie()
  expect(device_cookie).toMatch(/^saldo_device=sd_[\w-]{43}; Path=\/; Expires=[^;]+ GMT; HttpOnly; SameSite=Lax$/)
  expect(set_cookie).toMatch(/^saldo_session=ss_[\w-]{43}; Path=\/; Expires=[^;]+ GMT; HttpOnly; SameSite=Lax$/)
  const cookie = set_cookie.split(';')[0] ?? ''
  expect((await call('GET', '/api/v1/me', { headers: { cookie } })).status).toBe(200)
  const foreign = await call('DELETE', '/api/v1/sessions/current', {
    headers: { cookie, origin: 'https://evil.example' },
  })
  expect([foreign.status, foreign.body.code]).toEqual([403, 'foreign_origin'])
  const own = await call('DELETE', '/api/v1/sessions/current', { headers: { cookie, origin: `http://${host}` } })
  expect(own.status).toBe(204)
})

test('behind HTTPS the cookies are Secure and of this host alone', async () => {
  const { app, signIn } = await setup()
  const user = await aUser(app)
  const cookies = (await signIn(user.email, { 'x-forwarded-proto': 'https' })).headers.getSetCookie()
  expect(cookies.map((each) => each.split('=')[0])).toEqual(['__Host-saldo_session', '__Host-saldo_device'])
  for (const each of cookies) expect(each).toMatch(/; Path=\/; Expires=[^;]+; HttpOnly; SameSite=Lax; Secure$/)
})

test('a page of another site cannot sign a browser in', async () => {
  const { app, signIn } = await setup()
  const user = await aUser(app)
  expect((await signIn(user.email, { origin: 'https://evil.example' })).status).toBe(403)
})

test('keys are made, listed without the key, used and revoked by their owner', async () => {
  const { app, call, signIn } = await setup()
  const user = await aUser(app)
  const headers = bearer((await signIn(user.email)).body.token)
  const made = await call('POST', '/api/v1/api-keys', {
    headers,
    body: { name: 'shop', scopes: ['read'], allowed_ips: ['127.0.0.1'], expires_at: '2100-01-01T00:00:00+02:00' },
  })
  expect(made.status).toBe(201)
  expect(made.headers.get('cache-control')).toBe('no-store')
  const { key, ...shown } = made.body
  expect(shown).toMatchObject({
    scopes: ['read'],
    allowed_ips: ['127.0.0.1/32'],
    expires_at: '2099-12-31T22:00:00.000Z',
  })
  expect((await call('GET', '/api/v1/api-keys', { headers })).body).toEqual({ data: [shown] })
  const me = await call('GET', '/api/v1/me', { headers: { 'x-api-key': key } })
  expect(me.body).toMatchObject({ via: 'key', scopes: ['read'], user: { email: user.email } })
  expect((await call('DELETE', `/api/v1/api-keys/${shown.id}`, { headers })).status).toBe(204)
  expect((await call('GET', '/api/v1/api-keys', { headers })).body).toEqual({ data: [] })
})

test('another owner’s key is not there', async () => {
  const { app, call, signIn } = await setup()
  const { api_key } = await aKey(app)
  const headers = bearer((await signIn((await aUser(app)).email)).body.token)
  const refused = await call('DELETE', `/api/v1/api-keys/${api_key.id}`, { headers })
  expect([refused.status, refused.body.code]).toEqual([404, 'api_key_not_found'])
  expect((await call('GET', '/api/v1/api-keys', { headers })).body).toEqual({ data: [] })
})

test('each route refuses nobody, a wrong key, a blocked user, and a key where only a session may', async () => {
  const { app, call } = await setup()
  const { key } = await aKey(app)
  const blocked = await aKey(app)
  await app.db.query(`update identity.user set state = 'blocked' where id = $1`, [blocked.user_id])
  const routes = [
    ['GET', '/api/v1/me', 200],
    ['GET', '/api/v1/api-keys', 403],
    ['POST', '/api/v1/api-keys', 403],
    ['DELETE', '/api/v1/api-keys/1', 403],
    ['DELETE', '/api/v1/sessions/current', 403],
    ['GET', '/staff', 403],
    ['GET', '/open', 200],
  ] as const
  for (const [method, path, by_key] of routes) {
    const as = async (headers: Record<string, string>) => (await call(method, path, { headers })).status
    const otherwise = path === '/open' ? 200 : 401
    expect(await as({}), path).toBe(otherwise)
    expect(await as({ 'x-api-key': `${key.slice(0, -2)}zz` }), path).toBe(otherwise)
    expect(await as({ 'x-api-key': blocked.key }), path).toBe(otherwise)
    expect(await as({ 'x-api-key': key }), path).toBe(by_key)
  }
})

test('a permission of the role opens the route', async () => {
  const { app, call } = await setup()
  const { key } = await aKey(app, { user_id: (await aUser(app, 'administrator')).id })
  expect(await call('GET', '/staff', { headers: { 'x-api-key': key } })).toMatchObject({
    status: 200,
    body: 'administrator',
  })
  expect((await call('GET', '/nowhere')).status).toBe(404)
})

test('a route that states no permission fails the start', async () => {
  const app = await identityApp()
  const authentication = await anAuthentication(app)
  const start = anIdentityServer(app, authentication, (server) => {
    server.get('/forgotten', async () => 'open')
  })
  await expect(start).rejects.toThrow('/forgotten states no permission')
})

test('bad bodies and ids are refused and never fail', async () => {
  const { app, call, signIn } = await setup()
  const user = await aUser(app)
  const headers = bearer((await signIn(user.email)).body.token)
  const bad_sign_ins = [
    {},
    [],
    'x',
    null,
    { email: user.email },
    { email: 7, password: PASSWORD },
    { email: user.email, password: PASSWORD, role: 'administrator' },
    { email: 'x'.repeat(300), password: PASSWORD },
    { email: user.email, password: 'x'.repeat(300) },
  ]
  for (const body of bad_sign_ins) expect((await call('POST', '/api/v1/sessions', { body })).status).toBe(400)
  expect((await signIn('\0@example.com')).status).toBe(401)
  const bad_keys = [
    { name: '' },
    { name: 'x', scopes: ['all'] },
    { name: 'x', scopes: [] },
    { name: 'x', user_id: '1' },
    { name: 'x', legacy_get: 'yes' },
    { name: 'x', expires_at: 'tomorrow' },
  ]
  for (const body of bad_keys) expect((await call('POST', '/api/v1/api-keys', { headers, body })).status).toBe(400)
  for (const body of [
    { name: 'a\0b' },
    { name: ' ' },
    { name: 'x', allowed_ips: ['here'] },
    { name: 'x', expires_at: '2000-01-01T00:00:00Z' },
  ]) {
    expect((await call('POST', '/api/v1/api-keys', { headers, body })).status).toBe(422)
  }
  for (const id of ['0', '-1', '1.5', 'x', '9'.repeat(19), '%00', '1e3']) {
    expect((await call('DELETE', `/api/v1/api-keys/${id}`, { headers })).status).toBe(400)
  }
})

test('neither passwords, tokens nor keys reach the log', async () => {
  const { app, call, signIn } = await setup()
  const user = await aUser(app)
  const { token } = (await signIn(user.email)).body
  const { key } = await aKey(app, { user_id: user.id })
  await call('GET', '/api/v1/me', { headers: { 'x-api-key': key } })
  await call('GET', '/staff', { headers: { authorization: `ApiKey ${key}` } })
  await call('DELETE', '/api/v1/sessions/current', { headers: bearer(token) })
  const logged = app.logged.join()
  for (const secret of [PASSWORD, token.slice(3), key.slice(3)]) expect(logged).not.toContain(secret)
})
