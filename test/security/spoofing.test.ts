import { expect, onTestFinished, test } from 'vitest'
import { openProviders } from '#server/domains/providers/registry.ts'
import { startWorker } from '#server/roles/worker.ts'
import { openDoors } from '#test/support/doors.ts'
import { openMessageDoors } from '#test/support/message-doors.ts'
import { sendRaw } from '#test/support/send-raw.ts'

const json = { 'content-type': 'application/json' }

/** Every way in which a request says by what name it reached us. */
const EVIL_NAMES = {
  host: 'evil.example',
  'x-forwarded-host': 'evil.example',
  'x-host': 'evil.example',
  forwarded: 'host=evil.example;proto=https',
  'x-original-url': 'https://evil.example/',
  'x-rewrite-url': 'https://evil.example/',
}

test('no name that a request gives us stands in a mail, a redirect or an answer', async () => {
  const { house, url } = await openMessageDoors()
  const { app, secrets } = house
  const providers = openProviders({ ...app, secrets })
  const worker = startWorker({ app: app as never, secrets, providers, close: async () => {} })
  onTestFinished(() => worker.stop())
  const { email } = await house.user()
  const post = (path: string, body: unknown) =>
    sendRaw(`${url}${path}`, { headers: { ...EVIL_NAMES, ...json }, body: JSON.stringify(body) })
  const answers = [
    await post('/api/v1/password-resets', { email }),
    await post('/api/v1/registrations', { email: 'new@example.com', password: 'long enough for all', name: 'Ada' }),
    await sendRaw(`${url}/`, { method: 'GET', headers: EVIL_NAMES }),
    await sendRaw(`${url}/openapi.json`, { method: 'GET', headers: EVIL_NAMES }),
    await sendRaw(`${url}/docs`, { method: 'GET', headers: EVIL_NAMES }),
    await sendRaw(`${url}/account/reset`, { method: 'GET', headers: EVIL_NAMES }),
  ]
  expect(answers.slice(0, 2).map(({ status }) => status)).toEqual([202, 202])
  for (const to of [email, 'new@example.com']) {
    const mail = await house.mail.waitFor({ to, timeout_ms: 20_000 })
    expect(`${mail.text}${mail.html}`).toContain('https://saldo.example/account/')
    expect(JSON.stringify(mail)).not.toContain('evil.example')
  }
  expect(answers.filter(({ text }) => text.includes('evil.example'))).toEqual([])
  const redirect = await fetch(`${url}/`, { headers: { 'x-forwarded-host': 'evil.example' }, redirect: 'manual' })
  expect(redirect.headers.get('location')).toBe('/docs')
}, 60_000)

/** Every way in which a caller may claim another address. */
const EVIL_ADDRESSES = {
  'x-forwarded-for': '192.0.2.7',
  'x-real-ip': '192.0.2.7',
  forwarded: 'for=192.0.2.7',
  'client-ip': '192.0.2.7',
  'true-client-ip': '192.0.2.7',
  'cf-connecting-ip': '192.0.2.7',
}

test('an address that a caller claims opens no key bound to it, and stands in no session and no act', async () => {
  const { shop, url, customer } = await openDoors()
  const bound = await customer('1', { allowed_ips: ['192.0.2.7/32'] })
  const balance = (headers: Record<string, string>) =>
    sendRaw(`${url}/api/v1/balance`, { method: 'GET', headers: { 'x-api-key': bound.key, ...headers } })
  expect(await balance(EVIL_ADDRESSES)).toMatchObject({ status: 403 })
  const form = new URLSearchParams({ key: bound.key, action: 'balance' }).toString()
  const panel = await sendRaw(`${url}/api/v2`, {
    headers: { ...EVIL_ADDRESSES, 'content-type': 'application/x-www-form-urlencoded' },
    body: form,
  })
  expect(panel.text).not.toContain('balance"')

  const wrong = JSON.stringify({ email: 'nobody@example.com', password: 'wrong but long enough' })
  expect(
    (await sendRaw(`${url}/api/v1/sessions`, { headers: { ...json, ...EVIL_ADDRESSES }, body: wrong })).status,
  ).toBe(401)
  const addresses = await shop.app.db.query<{ ip: string }>(`select host(ip) as ip from audit.act where ip is not null`)
  expect(addresses.filter(({ ip }) => ip === '192.0.2.7')).toEqual([])
})

test('behind a trusted proxy the last address that it saw counts, and not one that a caller put before it', async () => {
  const { url, customer } = await openDoors({ config: { trust_proxy: ['127.0.0.0/8'] } })
  const bound = await customer('1', { allowed_ips: ['192.0.2.7/32'] })
  const balance = (forwarded: string) =>
    sendRaw(`${url}/api/v1/balance`, {
      method: 'GET',
      headers: { 'x-api-key': bound.key, 'x-forwarded-for': forwarded },
    })
  expect((await balance('192.0.2.7')).status).toBe(200)
  expect((await balance('192.0.2.7, 198.51.100.3')).status).toBe(403)
  expect((await balance('198.51.100.3, 192.0.2.7')).status).toBe(200)
  for (const nonsense of ['', '192.0.2.7; drop', 'localhost', '192.0.2.7:80', '0300.0.2.7', `${'1'.repeat(3000)}`]) {
    expect([nonsense.slice(0, 20), (await balance(nonsense)).status]).toEqual([nonsense.slice(0, 20), 403])
  }
})

test('whoever changes the claimed address with each try is counted as one all the same', async () => {
  const { url } = await openDoors({ rate_limits: 'as in production' })
  const statuses: number[] = []
  for (let i = 0; i < 200 && !statuses.includes(429); i++) {
    const body = JSON.stringify({ email: `nobody${i}@example.com`, password: 'wrong but long enough' })
    const headers = { ...json, 'x-forwarded-for': `198.51.100.${i}`, 'x-real-ip': `198.51.100.${i}` }
    statuses.push((await sendRaw(`${url}/api/v1/sessions`, { headers, body })).status)
  }
  expect(statuses.at(-1)).toBe(429)
}, 60_000)
