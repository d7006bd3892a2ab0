import { expect, test } from 'vitest'
import { codeAt } from '#server/domains/identity/two-factor/totp.ts'
import { newSecret, newUuid } from '#server/kit/id.ts'
import { type Canary, found, spellingsOf } from './canary.ts'
import { type Answer, type Ask, type House, openHouse } from './house.ts'
import { anAdministrator, expectStatus, lookAtEverything, newPassword, sessionOf, signIn } from './people.ts'

test('no secret of any kind is readable in anything the house leaves behind', { timeout: 180_000 }, async () => {
  const house = await openHouse()
  const customer = await aCustomer(house)
  await keysAreUsedWellAndBadly(house, customer)
  await aWebhookIsToldAndFails(house, customer)
  await anOrderGoesToAProvider(house, customer)
  await othersFail(house)
  await statementsFail(house, customer)
  const staff = await anAdministrator(house)
  for (const by of [customer.token, staff.token]) await lookAtEverything(house, by)
  const traces = await house.traces()
  // A scan that finds nothing anywhere would prove nothing.
  const seen = found([{ kind: 'address', secret: customer.email }], traces)
  const places = ['identity.user', 'platform.outbox', 'notifications.message', 'GET /api/v1/profile 200']
  expect(seen).toEqual(expect.arrayContaining(places.map((place) => `address in ${place}`)))
  // Failures are told outside too: those of the database at least, which names rows.
  expect(traces.filter(({ place }) => place === 'Sentry').length).toBeGreaterThan(0)
  expect(found([{ kind: 'address', secret: customer.email }], traces)).not.toContain('address in Sentry')
  expect(found(house.canaries, traces)).toEqual([])
  // Hashes of passwords are where they are stored, and nowhere else.
  const elsewhere = traces.filter(({ place }) => !['identity.user', 'identity.registration'].includes(place))
  expect(found([{ kind: 'hash', secret: '$argon2id$' }], elsewhere)).toEqual([])
})

test('a canary is found in whatever form it stands', () => {
  const secret = 'sk_"Ab/+ cd-canary"'
  const texts = [secret, encodeURIComponent(secret), JSON.stringify({ secret }), Buffer.from(secret).toString('hex')]
  const within = ['', 'u', 'us', 'user:'].map((before) => Buffer.from(`${before}${secret}: more`).toString('base64'))
  for (const text of [...texts, ...within]) {
    expect([text, found([{ kind: 'key', secret }], [{ place: 'log', text: `so ${text} it is` }])]).toEqual([
      text,
      ['key in log'],
    ])
  }
  expect(found([{ kind: 'link', secret, mailed: true }], [{ place: 'mail', text: secret }])).toEqual([])
  expect(() => spellingsOf({ kind: 'none', secret: '' })).toThrow('too short')
})

interface Customer {
  email: string
  password: string
  token: string
  recovery_codes: string[]
}

/** Registers, confirms, signs in, changes the password, sets up a second factor, forgets the password: each rightly and wrongly. */
async function aCustomer(house: House): Promise<Customer> {
  const email = `${newUuid()}@example.com`
  const first = newPassword(house, 'password chosen at first')
  const captcha = await house.captcha.solve({ action: 'register' })
  await expectStatus(202, house.ask('POST', '/api/v1/registrations', { body: { email, password: first, captcha } }))
  await useLink(house, email, 'link that confirms an address', async (token, wrong) => {
    await expectRefusal(house.ask('GET', `/api/v1/profile?token=${token}`, {}, 'GET profile with a token'))
    await expectRefusal(house.ask('POST', '/api/v1/email-confirmations', { body: { token: [token] } }))
    const used = [wrong, token, token].map((each) => ({ body: { token: each } }))
    const answers = await inTurn(used, (ask) => house.ask('POST', '/api/v1/email-confirmations', ask))
    expect(answers.map((answer) => answer.status === 200)).toEqual([false, true, false])
  })
  await signInBadly(house, email, first)
  const session = await signIn(house, email, first)
  const password = newPassword(house, 'password changed to')
  const change = { current_password: first, new_password: password }
  const by = { by: session }
  await expectRefusal(
    house.ask('POST', '/api/v1/profile/password', { ...by, body: { ...change, new_password: [password] } }),
  )
  const changed = await expectStatus(200, house.ask('POST', '/api/v1/profile/password', { ...by, body: change }))
  const token = house.secret({ kind: 'session token after a change', secret: changed.body.token }, changed)
  const recovery_codes = await aSecondFactor(house, token, password)
  const customer = { email, token, recovery_codes, password: await aForgottenPassword(house, email) }
  return { ...customer, token: await signInWithTwo(house, customer) }
}

async function signInBadly(house: House, email: string, password: string): Promise<void> {
  const path = '/api/v1/sessions'
  const mistyped = newPassword(house, 'password mistyped')
  await expectRefusal(house.ask('POST', path, { body: { email, password: mistyped } }))
  await expectRefusal(house.ask('POST', path, { body: { email: `nobody-${email}`, password } }))
  await expectRefusal(house.ask('POST', path, { body: { email, password: { text: password } } }))
  await expectRefusal(house.ask('POST', path, { body: { email, password, also: password } }))
  const json = { 'content-type': 'application/json' }
  await expectRefusal(house.ask('POST', path, { headers: json, body: `{"email":"${email}","password":"${password}` }))
  await expectRefusal(house.ask('POST', path, { body: `email=${email}&password=${password}` }))
  const query = new URLSearchParams({ email, password })
  await expectRefusal(house.ask('POST', `${path}?${query}`, { body: {} }, 'POST sessions with a query'))
}

async function signInWithTwo(house: House, { email, password, recovery_codes }: Omit<Customer, 'token'>) {
  const asked = await expectStatus(202, house.ask('POST', '/api/v1/sessions', { body: { email, password } }))
  const challenge = house.secret({ kind: 'challenge of a sign-in', secret: asked.body.challenge }, asked)
  const path = '/api/v1/sessions/second-factor'
  const code = recovery_codes.shift() ?? ''
  await expectRefusal(house.ask('POST', path, { body: { challenge, code: 'aaaa-aaaa-aaaa-aaaa' } }))
  return sessionOf(house, await expectStatus(201, house.ask('POST', path, { body: { challenge, code } })))
}

async function aSecondFactor(house: House, by: string, password: string): Promise<string[]> {
  const begun = await expectStatus(200, house.ask('POST', '/api/v1/two-factor', { by, body: { password } }))
  const { secret } = begun.body
  house.secret({ kind: 'secret of a second factor', secret, also: [bytesOfBase32(secret)] }, begun)
  const path = '/api/v1/two-factor/confirmation'
  const wrong = codeAt(secret, new Date(0))
  const code = codeAt(secret, house.app.clock.now())
  await house.ask('POST', path, { by, body: { code: { code: secret } } })
  if (wrong !== code) await house.ask('POST', path, { by, body: { code: wrong } })
  const confirmed = await expectStatus(200, house.ask('POST', path, { by, body: { code } }))
  for (const each of confirmed.body.recovery_codes) {
    house.secret({ kind: 'recovery code', secret: each, also: [each.replaceAll('-', '')] }, confirmed)
  }
  house.secret({ kind: 'session token after a second factor', secret: confirmed.body.token }, confirmed)
  return confirmed.body.recovery_codes
}

/** As the bytes would be shown. */
function bytesOfBase32(text: string): string {
  const bits = [...text].map((char) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(char).toString(2).padStart(5, '0'))
  return Buffer.from((bits.join('').match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2))).toString('hex')
}

async function aForgottenPassword(house: House, email: string): Promise<string> {
  const password = newPassword(house, 'password set by a link')
  const before = (await house.mail.mails())[0]?.id ?? 0
  const captcha = await house.captcha.solve({ action: 'reset' })
  await expectStatus(202, house.ask('POST', '/api/v1/password-resets', { body: { email, captcha } }))
  const set = (token: string, password: string) =>
    house.ask('POST', '/api/v1/password-resets/completion', { body: { token, password } })
  await useLink(
    house,
    email,
    'link that sets a password',
    async (token, wrong) => {
      await expectRefusal(set(token, 'password123'))
      await expectRefusal(set(wrong, password))
      await expectStatus(200, set(token, password))
      await expectRefusal(set(token, password))
    },
    before,
  )
  return password
}

/** Gives the token of the link that was mailed, and one that looks like it, to whoever uses it. */
async function useLink(
  house: House,
  email: string,
  kind: string,
  use: (token: string, wrong: string) => Promise<void>,
  after = 0,
): Promise<void> {
  const find = async () => {
    const mails = await house.mail.mails({ to: email, after })
    return mails.map((mail) => /#(ol_[\w.-]+)/.exec(mail.text)?.[1]).find((token) => token !== undefined)
  }
  await expect.poll(find, { timeout: 30_000 }).toBeDefined()
  const token = house.secret({ kind, secret: String(await find()), mailed: true })
  const [id, mac = ''] = token.split('.')
  house.secret({ kind: `${kind}, its end`, secret: mac, mailed: true })
  await use(token, `${id}.${mac.slice(1)}${mac.startsWith('A') ? 'B' : 'A'}`)
}

/** Makes a key, and puts it where it belongs and where it does not. */
async function keysAreUsedWellAndBadly(house: House, { token }: Customer): Promise<void> {
  const headers = { 'idempotency-key': newUuid() }
  const ask: Ask = { by: token, headers, body: { name: 'shop', legacy_get: true } }
  const made = await expectStatus(201, house.ask('POST', '/api/v1/api-keys', ask))
  const key = house.secret({ kind: 'API key', secret: made.body.key }, made)
  const again = await expectStatus(201, house.ask('POST', '/api/v1/api-keys', ask))
  expect(again.body.key).toBe(key)
  house.secret({ kind: 'API key, answered again', secret: key }, again)
  await expectStatus(200, house.ask('GET', '/api/v1/balance', { headers: { 'x-api-key': key } }))
  for (const path of [`/api/v1/balance?api_key=${key}`, `/api/v1/balance?key=${key}&token=${token}`]) {
    await expectRefusal(house.ask('GET', path, {}, 'GET balance with a key in the query'))
  }
  for (const path of [`/api/v1/order/${key}`, `/${key}`, `/api/v1/${key}/${token}`, `/%zz${key}`]) {
    await expectRefusal(house.ask('GET', path, { by: token }, 'GET a path with a key'))
  }
  const swapped: Record<string, string>[] = [
    { authorization: `Bearer ${key}` },
    { 'x-api-key': token },
    { authorization: `Basic ${Buffer.from(`user:${key}`).toString('base64')}` },
    { cookie: `saldo_session=${key}` },
  ]
  for (const each of swapped) await expectRefusal(house.ask('GET', '/api/v1/balance', { headers: each }))
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  for (const body of [`key=${key}&action=balance`, `key=${key}x&action=balance`, `action=${key}`, `key=${key}`]) {
    await expectStatus(200, house.ask('POST', '/api/v2', { headers: form, body }))
  }
  await expectStatus(200, house.ask('POST', '/api/v2', { body: { key: [key], action: key } }))
  await expectStatus(200, house.ask('GET', `/api/v2?key=${key}&action=balance`, {}, 'GET /api/v2 with a key'))
  const rotated = await expectStatus(
    201,
    house.ask('POST', `/api/v1/api-keys/${made.body.id}/rotate`, { by: token, body: {} }),
  )
  house.secret({ kind: 'API key after rotation', secret: rotated.body.key }, rotated)
}

/** Its receiver fails; its secret is changed; an address with a password is refused. */
async function aWebhookIsToldAndFails(house: House, { token: by }: Customer): Promise<void> {
  const path = '/api/v1/webhooks'
  const within = newSecret(12)
  house.secret({ kind: 'password in the address of a webhook', secret: within })
  const fields = { description: 'shop', event_types: ['*'] }
  const refused = { ...fields, url: `https://user:${within}@example.com/` }
  await expectRefusal(house.ask('POST', path, { by, body: refused }))
  const body = { ...fields, url: `${house.receiver_url}/hooks/canary` }
  const made = await expectStatus(201, house.ask('POST', path, { by, body }))
  house.secret(webhookSecret('secret of a webhook', made.body.secret), made)
  const { id } = made.body
  await house.receiver.setFaults({ http: { probability: 1, limit: 1 } })
  await expectStatus(202, house.ask('POST', `${path}/${id}/test`, { by, body: {} }))
  await house.receiver.waitFor({ hook: 'canary', timeout_ms: 30_000 })
  const rotated = await expectStatus(200, house.ask('POST', `${path}/${id}/rotate-secret`, { by, body: {} }))
  house.secret(webhookSecret('secret of a webhook after rotation', rotated.body.secret), rotated)
  await expectStatus(202, house.ask('POST', `${path}/${id}/test`, { by, body: {} }))
  await expect.poll(async () => (await house.receiver.received({ hook: 'canary' })).length, { timeout: 30_000 }).toBe(2)
}

function webhookSecret(kind: string, secret: string): Canary {
  const bytes = secret.replace(/^whsec_/, '')
  return { kind, secret, also: [bytes, Buffer.from(bytes, 'base64').toString('hex')] }
}

/** The provider is added by a command, refuses its own key once, and then takes an order. */
async function anOrderGoesToAProvider(house: House, { email, token: by }: Customer): Promise<void> {
  const give = async (...args: string[]) => {
    const run = await house.command(...args)
    expect([args[0], run.code, run.err]).toEqual([args[0], 0, run.err])
  }
  await give('add-provider', 'Panel', house.panel_url, `--key=${house.panel_key}`)
  await give('import-services', '1')
  await give('record-topup', '1', '1000')
  await give('credit', email, '100', '--reason', 'canary')
  await house.panel.setFaults({ wrong_key: { probability: 1, limit: 2 }, http_5xx: { probability: 0.2 } })
  const [sold] = await house.app.db.query<{ id: bigint; min: bigint }>(
    `select id, min from catalog.service where type = 'Default' and active order by id limit 1`,
  )
  const link = 'https://example.com/canary'
  const body = { service: String(sold?.id), quantity: String(sold?.min), link }
  // A process goes on with the catalogue that it has read for a moment.
  const place = async () => (await house.ask('POST', '/api/v1/order', { by, body })).status
  await expect.poll(place, { timeout: 10_000 }).toBe(201)
  const calls = () => house.app.db.query('select 1 from providers.call_log')
  await expect.poll(async () => (await calls()).length, { timeout: 30_000 }).toBeGreaterThan(0)
}

/** The captcha, the mail server and Telegram fail while they hold our secrets. */
async function othersFail(house: House): Promise<void> {
  await house.captcha.setFaults({ internal_error: 1 })
  await house.mail.setFaults({ refuse_data: 1 })
  await house.telegram.setFaults({ http_5xx: 0.5, cut_after: 0.5 })
  const email = `${newUuid()}@example.com`
  const password = newPassword(house, 'password of whom no mail reaches')
  const captcha = await house.captcha.solve({ action: 'register' })
  const body = { email, password, captcha }
  await expectStatus(503, house.ask('POST', '/api/v1/registrations', { body }))
  await house.captcha.setFaults({})
  await expectStatus(202, house.ask('POST', '/api/v1/registrations', { body }))
  await expect.poll(async () => (await house.mail.fired()).refuse_data ?? 0, { timeout: 30_000 }).toBeGreaterThan(0)
  await house.mail.setFaults({})
}

/** The database refuses what holds secrets, and names the row that it refuses. */
async function statementsFail(house: House, { email, password, token: by }: Customer): Promise<void> {
  const tables = ['user', 'api_key', 'sign_in_challenge', 'one_time_link']
  const { db } = house.app
  for (const each of tables) {
    await db.query(`alter table identity.${each} add constraint canary check (false) not valid`)
  }
  const changed = newPassword(house, 'password that could not be stored')
  const change = { current_password: password, new_password: changed }
  await expectStatus(500, house.ask('POST', '/api/v1/profile/password', { by, body: change }))
  await expectStatus(500, house.ask('POST', '/api/v1/api-keys', { by, body: { name: 'shop' } }))
  await expectStatus(500, house.ask('POST', '/api/v1/sessions', { body: { email, password } }))
  for (const each of tables) await db.query(`alter table identity.${each} drop constraint canary`)
}

/** For a reason that lies in the request. */
async function expectRefusal(asked: Promise<Answer>): Promise<void> {
  const { status, trace } = await asked
  if (status < 400 || status > 499) throw new Error(`not refused: ${trace.place} ${trace.text}`)
}

async function inTurn<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (const item of items) results.push(await work(item))
  return results
}
