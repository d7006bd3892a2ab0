import { expect, test } from 'vitest'
import { SYSTEM } from '#server/domains/audit/act.ts'
import { priceOf } from '#server/domains/orders/order.ts'
import { systemClock } from '#server/kit/clock.ts'
import { actsIn } from '#test/support/acts.ts'
import { type DoorsOptions, openDoors } from '#test/support/doors.ts'
import { dripFed, expectSound } from '#test/support/order-book.ts'
import { staffWith } from '#test/support/staff.ts'
import { createPromoCode } from './create-code.ts'
import { verifyPromoCodes } from './verify-promo-codes.ts'

const CODES = '/api/admin/promo-codes'
const REDEEM = '/api/v1/promo-codes/redeem'
const DAY_MS = 24 * 60 * 60_000

async function setup(options: DoorsOptions = {}) {
  const clock = { ...systemClock, ahead_ms: 0, now: () => new Date(Date.now() + clock.ahead_ms) }
  const doors = await openDoors({ clock, ...options })
  const { shop, url, customer } = doors
  const { app } = shop
  const desk = await staffWith(app, url, ['promo-codes:read', 'promo-codes:edit', 'deposits:decide'])
  const buyer = async (usd = '0', scopes?: string[]) => {
    const { id, key } = await customer(usd, scopes && { scopes })
    const own = async (method: string, path: string, body?: object, once?: string) => {
      const headers = {
        'x-api-key': key,
        ...(body && { 'content-type': 'application/json' }),
        ...(once && { 'idempotency-key': once }),
      }
      const response = await fetch(url + path, { method, headers, body: body ? JSON.stringify(body) : null })
      return { status: response.status, headers: response.headers, body: JSON.parse(await response.text()) }
    }
    return { id, key, own, redeem: (code: string, once?: string) => own('POST', REDEEM, { code }, once) }
  }
  const make = async (body: object) => {
    const answer = await desk.ask('POST', CODES, { reason: 'A campaign.', ...body })
    expect(answer).toMatchObject({ status: 201 })
    return answer.body as { id: string }
  }
  return { ...doors, app, clock, desk, buyer, make }
}

const CREDIT = { code: 'WELCOME-5', kind: 'credit', amount: '5.00', redemptions_max: 2 }
const DISCOUNT = { code: 'TENTH', kind: 'discount', percent: '10', days: 30 }
const DEPOSIT = { code: 'TOPUP', kind: 'deposit', percent: '20', deposit_min: '50', amount_max: '15.00', days: 7 }

test('staff make a code, customers redeem it once each, staff see who has, and it is ended', async () => {
  const { app, desk, buyer, make } = await setup()
  const { id } = await make(CREDIT)
  const [one, two] = [await buyer(), await buyer()]
  const redeemed = await one.redeem('welcome-5', 'r1')
  expect(redeemed).toMatchObject({
    status: 201,
    body: { code: 'WELCOME-5', kind: 'credit', state: 'credited', amount: '5.00', currency: 'USD', ends_at: null },
  })
  const again = await one.redeem('welcome-5', 'r1')
  expect([again.body, again.headers.get('idempotent-replayed')]).toEqual([redeemed.body, 'true'])
  expect(await one.redeem('WELCOME-5')).toMatchObject({
    status: 409,
    body: {
      code: 'promo_code_redeemed',
      redeemed_at: redeemed.body.redeemed_at,
      errors: [{ field: 'code' }],
    },
  })
  expect((await one.own('GET', '/api/v1/balance')).body).toMatchObject({ balance: '5.00' })
  expect((await one.own('GET', '/api/v1/promo-codes')).body).toEqual({
    ...{ discount: null, data: [redeemed.body], has_more: false, next_cursor: null },
  })
  expect((await two.own('GET', '/api/v1/promo-codes')).body.data).toEqual([])
  await two.redeem('WELCOME-5')
  expect((await desk.ask('GET', `${CODES}/${id}`)).body).toMatchObject({
    ...{ code: 'WELCOME-5', state: 'used_up', redemptions: 2, redemptions_max: 2, given: '10.00' },
    created_by: String(desk.user_id),
  })
  const page = await desk.ask('GET', `${CODES}/redemptions?code_id=${id}&limit=1`)
  expect(page.body).toMatchObject({ data: [{ user_id: String(two.id), code_id: id }], has_more: true })
  const [, next] = /<(.*)>/.exec(page.headers.get('link') ?? '') ?? []
  expect((await desk.ask('GET', next ?? '')).body).toMatchObject({
    ...{ data: [{ user_id: String(one.id) }], has_more: false },
  })
  expect((await desk.ask('GET', `${CODES}/redemptions?user_id=${one.id}`)).body.data).toHaveLength(1)

  const end = () => desk.ask('POST', `${CODES}/${id}/end`, { reason: 'Over.' })
  expect(await end()).toMatchObject({ status: 200, body: { state: 'ended', ended_at: expect.any(String) } })
  expect(await end()).toMatchObject({ status: 409, body: { code: 'promo_code_ended' } })
  await make(DISCOUNT)
  const listed = async (query: string) =>
    (await desk.ask('GET', `${CODES}${query}`)).body.data.map(({ code }: { code: string }) => code)
  expect(await listed('')).toEqual(['TENTH', 'WELCOME-5'])
  expect(await listed('?open=true')).toEqual(['TENTH'])
  expect(await listed('?open=false')).toEqual(['WELCOME-5'])
  expect(await listed('?code=tenth')).toEqual(['TENTH'])
  expect(await listed('?code=-')).toEqual([])
  expect((await actsIn(app.db, 'promo_codes.')).map(({ action, reason }) => [action, reason])).toEqual([
    ['promo_codes.created', 'A campaign.'],
    ['promo_codes.redeemed', null],
    ['promo_codes.redeemed', null],
    ['promo_codes.ended', 'Over.'],
    ['promo_codes.created', 'A campaign.'],
  ])
  expect((await verifyPromoCodes(app.db)).problems).toEqual([])
  await expectSound(app)
})

test('with a discount a key pays what it sees at every door, until it ends and from then on', async () => {
  const { app, shop, url, clock, buyer, make } = await setup()
  const service = dripFed(shop)
  const [one, other] = [await buyer('500'), await buyer('500')]
  await make(DISCOUNT)
  const panel = async (key: string, fields: Record<string, string>) => {
    const body = new URLSearchParams({ key, ...fields })
    return (await fetch(`${url}/api/v2`, { method: 'POST', body })).json()
  }
  /** The rates that the doors show, in micro-USD. */
  const shown = async ({ key, own }: typeof one) => {
    const rows = (await panel(key, { action: 'services' })) as { service: number; rate: string }[]
    const { data } = (await own('GET', '/api/v1/services')).body as { data: { id: string; rate: string }[] }
    return [
      rows.find((row) => String(row.service) === String(service.id))?.rate,
      data.find(({ id }) => id === String(service.id))?.rate,
    ].map((rate) => BigInt(Math.round(Number(rate) * 1_000_000)))
  }
  let links = 0
  /** The rates that orders of every door store; each is charged by the rate that it stores. */
  const paid = async ({ id, key, own }: typeof one) => {
    const before = await last()
    const order = () => ({ service: String(service.id), link: `https://example.com/promo/${++links}` })
    const [quantity, runs] = [String(service.min), { runs: '2', interval: '10' }]
    await panel(key, { action: 'add', ...order(), quantity })
    await panel(key, { action: 'add', ...order(), quantity, ...runs })
    const line = (link: string) => `${service.id} | ${link} | ${quantity}`
    await panel(key, { action: 'mass', orders: line(order().link) })
    await own('POST', '/api/v1/order', { ...order(), quantity })
    await own('POST', '/api/v1/orders', { orders: [{ ...order(), quantity }] }, `key-${links}`)
    await own('POST', '/api/v1/orders/mass', { orders: line(order().link) })
    const orders = await app.db.query<{ rate: bigint; charge: bigint; quantity: bigint }>(
      'select rate, charge, quantity from orders.orders where customer_id = $1 and id > $2',
      [id, before],
    )
    for (const each of orders) expect(each.charge).toBe(priceOf(service.type, each.rate, each.quantity))
    // Six doors, of which one has placed two runs.
    expect(orders).toHaveLength(7)
    return [...new Set(orders.map(({ rate }) => rate))]
  }
  const last = async () =>
    (await app.db.query<{ id: bigint }>('select coalesce(max(id), 0)::bigint as id from orders.orders'))[0]?.id ?? 0n

  expect(await shown(one)).toEqual([service.rate, service.rate])
  const redeemed = await one.redeem('tenth', 'a-key')
  expect(redeemed).toMatchObject({ status: 201, body: { kind: 'discount', state: 'running', percent: '10.00' } })
  const { redeemed_at, ends_at } = redeemed.body
  expect(Date.parse(ends_at) - Date.parse(redeemed_at)).toBe(30 * DAY_MS)
  const less = ((service.rate * 9n + 999n) / 1_000n) * 100n
  expect(await shown(one)).toEqual([less, less])
  expect(await paid(one)).toEqual([less])
  expect(await shown(other)).toEqual([service.rate, service.rate])
  expect(await paid(other)).toEqual([service.rate])
  expect((await one.own('GET', '/api/v1/promo-codes')).body).toMatchObject({
    ...{ discount: { percent: '10.00', ends_at }, data: [{ state: 'running' }] },
  })

  clock.now = () => new Date(Date.parse(ends_at) - 3_001)
  expect((await one.own('GET', '/api/v1/services')).headers.get('cache-control')).toBe('private, max-age=3')
  clock.now = () => new Date(Date.parse(ends_at) - 1)
  expect(await shown(one)).toEqual([less, less])
  expect((await one.own('GET', '/api/v1/services')).headers.get('cache-control')).toBe('private, max-age=0')
  expect(await paid(one)).toEqual([less])
  clock.now = () => new Date(ends_at)
  expect(await shown(one)).toEqual([service.rate, service.rate])
  expect((await one.own('GET', '/api/v1/services')).headers.get('cache-control')).toBe('private, max-age=10')
  expect(await paid(one)).toEqual([service.rate])
  expect((await one.own('GET', '/api/v1/promo-codes')).body).toMatchObject({
    ...{ discount: null, data: [{ state: 'over' }] },
  })
  await expectSound(app)
})

test('a code for the next deposit gives with it, and is used', async () => {
  const { desk, buyer, make } = await setup()
  const { id } = await make(DEPOSIT)
  const one = await buyer()
  expect(await one.redeem('TOPUP')).toMatchObject({
    ...{ status: 201 },
    body: {
      kind: 'deposit',
      state: 'running',
      percent: '20.00',
      deposit_min: '50.00',
      amount_max: '15.00',
      bonus: null,
    },
  })
  const told = { amount: '100.00', method: 'bank_transfer', reference: 'TRX-1' }
  const deposit = (await one.own('POST', '/api/v1/deposits', told)).body
  const approved = await desk.ask('POST', `/api/admin/deposits/${deposit.id}/approve`, {})
  expect(approved).toMatchObject({ status: 200, body: { state: 'approved', bonus: '15.00' } })
  expect((await one.own('GET', '/api/v1/promo-codes')).body.data).toMatchObject([
    { state: 'used', deposit_id: deposit.id, bonus: '15.00' },
  ])
  expect((await desk.ask('GET', `${CODES}/${id}`)).body).toMatchObject({ redemptions: 1, given: '15.00' })
})

test('who guesses has one answer: for what is unknown, is not valid, is used up, or is for others', async () => {
  const { app, clock, desk, buyer, make } = await setup()
  const [one, two, three] = [await buyer(), await buyer(), await buyer()]
  const past = new Date(clock.now().getTime() - DAY_MS).toISOString()
  const soon = (ms: number) => new Date(clock.now().getTime() + ms).toISOString()
  await make({ ...CREDIT, code: 'USED' })
  for (const each of [two, three]) await each.redeem('USED')
  const { id } = await make({ ...CREDIT, code: 'ENDED' })
  await desk.ask('POST', `${CODES}/${id}/end`, { reason: 'Over.' })
  await make({ ...CREDIT, code: 'COMING', starts_at: soon(DAY_MS) })
  await make({ ...CREDIT, code: 'EXPIRED', ends_at: soon(60_000) })
  await make({ ...CREDIT, code: 'NEWCOMERS', registered_from: soon(60_000) })
  await make({ ...CREDIT, code: 'OLDTIMERS', registered_until: past })
  const by = { ...SYSTEM, user_id: one.id }
  const promise = { kind: 'credit', amount: 1n } as const
  const limits = { registered_from: null, registered_until: null, starts_at: undefined, ends_at: null }
  await createPromoCode(app, { code: 'OWNMADE', promise, redemptions_max: 1, ...limits, by, reason: 'x' })
  clock.ahead_ms += 60_000
  const answers = new Set<string>()
  const all = ['UNKNOWN', 'no code', '', 'USED', 'ENDED', 'COMING', 'EXPIRED', 'NEWCOMERS', 'OLDTIMERS', 'OWNMADE']
  for (const code of all) {
    const { status, body } = await one.redeem(code)
    const { request_id: _, ...rest } = body
    answers.add(JSON.stringify([status, rest]))
  }
  expect([...answers]).toEqual([expect.stringMatching(/^\[422,.*"code":"promo_code_refused"/)])
  expect((await one.own('GET', '/api/v1/balance')).body).toMatchObject({ balance: '0.00' })
  // Who has it is told so, also when it is used up.
  expect(await two.redeem('USED')).toMatchObject({ status: 409, body: { code: 'promo_code_redeemed' } })
})

test('who guesses much is stopped, whichever key it is, and may do all else', async () => {
  const { app, buyer, make, url, customer } = await setup({ rate_limits: 'as in production' })
  await make(CREDIT)
  const one = await buyer()
  const statuses: number[] = []
  for (let n = 0; n < 10; n++) statuses.push((await one.redeem(`GUESS-${n}`)).status)
  expect(new Set(statuses)).toEqual(new Set([422]))
  const stopped = await one.redeem('WELCOME-5')
  expect(stopped).toMatchObject({ status: 429, body: { code: 'rate_limited' } })
  expect(Number(stopped.headers.get('retry-after'))).toBeGreaterThan(60)
  expect((await one.own('GET', '/api/v1/balance')).body).toMatchObject({ balance: '0.00' })
  const { key } = await customer('0')
  const headers = { 'x-api-key': key, 'content-type': 'application/json' }
  const body = JSON.stringify({ code: 'WELCOME-5' })
  expect((await fetch(url + REDEEM, { method: 'POST', headers, body })).status).toBe(201)
  expect((await verifyPromoCodes(app.db)).problems).toEqual([])
})

test('a key that may only read sees what was redeemed, and redeems nothing', async () => {
  const { buyer, make } = await setup()
  await make(CREDIT)
  for (const scope of ['read', 'order']) {
    const one = await buyer('0', [scope])
    expect(await one.redeem('WELCOME-5')).toMatchObject({ status: 403 })
    expect((await one.own('GET', '/api/v1/promo-codes')).status).toBe(scope === 'read' ? 200 : 403)
  }
})

test('what makes no sense is named, and nothing is promised', async () => {
  const { desk, clock } = await setup()
  const future = (days: number) => new Date(clock.now().getTime() + days * DAY_MS).toISOString()
  for (const [body, change, field] of [
    [CREDIT, { code: 'a b c d' }, 'code'],
    [CREDIT, { code: 'abc' }, 'code'],
    [CREDIT, { code: '-abc-' }, 'code'],
    [CREDIT, { code: 'a'.repeat(33) }, 'code'],
    [CREDIT, { kind: 'gift' }, 'kind'],
    [CREDIT, { amount: '0' }, 'amount'],
    [CREDIT, { amount: '-1' }, 'amount'],
    [CREDIT, { amount: 5 }, 'amount'],
    [CREDIT, { redemptions_max: null }, 'redemptions_max'],
    [CREDIT, { redemptions_max: 0 }, 'redemptions_max'],
    [CREDIT, { redemptions_max: undefined }, 'redemptions_max'],
    [CREDIT, { days: 3 }, 'days'],
    [CREDIT, { ends_at: '2020-01-01T00:00:00Z' }, 'ends_at'],
    [CREDIT, { starts_at: future(2), ends_at: future(1) }, 'ends_at'],
    [CREDIT, { registered_from: future(2), registered_until: future(1) }, 'registered_until'],
    [CREDIT, { reason: undefined }, 'reason'],
    [CREDIT, { extra: 1 }, 'extra'],
    [DISCOUNT, { percent: '0' }, 'percent'],
    [DISCOUNT, { percent: '100.01' }, 'percent'],
    [DISCOUNT, { days: 0 }, 'days'],
    [DISCOUNT, { days: 367 }, 'days'],
    [DISCOUNT, { holds_until: '2020-01-01T00:00:00Z' }, 'holds_until'],
    [DISCOUNT, { amount: '5' }, 'amount'],
    [DEPOSIT, { deposit_min: '0' }, 'deposit_min'],
    [DEPOSIT, { amount_max: '0' }, 'amount_max'],
    [DEPOSIT, { percent: '101' }, 'percent'],
    [DEPOSIT, { below_margin: true }, 'below_margin'],
  ] as const) {
    const answer = await desk.ask('POST', CODES, { reason: 'x', ...body, ...change })
    expect([change, answer.status, answer.body.errors?.[0]?.field]).toEqual([change, 400, field])
  }
  expect(await desk.ask('POST', CODES, { ...CREDIT, reason: 'x', redemptions_max: 2_001 })).toMatchObject({
    status: 422,
    body: { code: 'promo_budget_exceeded', max: '10000.00', errors: [{ field: 'redemptions_max' }] },
  })
  expect((await desk.ask('GET', CODES)).body.data).toEqual([])
  expect(await desk.ask('GET', `${CODES}/77`)).toMatchObject({ status: 404, body: { code: 'promo_code_not_found' } })
  expect(await desk.ask('POST', `${CODES}/77/end`, { reason: 'x' })).toMatchObject({ status: 404 })
  await desk.ask('POST', CODES, { ...CREDIT, reason: 'x' })
  expect(await desk.ask('POST', CODES, { ...CREDIT, code: 'welcome-5', reason: 'x' })).toMatchObject({
    status: 409,
    body: { code: 'promo_code_taken' },
  })
})
