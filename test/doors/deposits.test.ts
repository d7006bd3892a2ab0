import { expect, test } from 'vitest'
import { createUser } from '#server/domains/identity/create-user.ts'
import { createApiKey } from '#server/domains/identity/keys/create-api-key.ts'
import { newUuid } from '#server/kit/id.ts'
import { openDoors } from '#test/support/doors.ts'
import { staffWith } from '#test/support/staff.ts'

async function setup() {
  const { shop, url, customer } = await openDoors()
  const { app } = shop
  const desk = await staffWith(app, url, ['deposits:read', 'deposits:decide'])
  const asking = (key: string | undefined) => async (method: string, path: string, body?: unknown, once?: string) => {
    const headers: Record<string, string> = {
      ...(key !== undefined && { 'x-api-key': key }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(once !== undefined && { 'idempotency-key': once }),
    }
    const response = await fetch(url + path, {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
    })
    return { status: response.status, headers: response.headers, body: JSON.parse(await response.text()) }
  }
  const buyer = async (role = 'customer') => {
    const made = role === 'customer' ? await customer('0') : undefined
    if (made) return { id: made.id, ask: asking(made.key) }
    const user = await createUser(app, { email: `${newUuid()}@example.com`, password: newUuid(), role })
    return { id: user.id, ask: asking((await createApiKey(app, { user_id: user.id, name: 'all' })).key) }
  }
  return { app, shop, desk, buyer, nobody: asking(undefined) }
}

const FIFTY = { amount: '50.00', method: 'bank_transfer', reference: 'TRX-1' }

test('a customer learns how to pay, asks once under a key, sees it, and is credited when staff approve', async () => {
  const { shop, desk, buyer } = await setup()
  const { id, ask } = await buyer()
  expect((await ask('GET', '/api/v1/deposits/options')).body).toMatchObject({
    ...{ currency: 'USD', amount_min: '1.00', amount_max: '10000.00', pending_max: 3, answer_days: 7 },
    methods: [{ code: 'bank_transfer', name: 'Bank transfer', instructions: expect.any(String) }],
  })
  const first = await ask('POST', '/api/v1/deposits', FIFTY, 'd1')
  expect(first).toMatchObject({
    status: 201,
    body: { state: 'pending', amount: '50.00', credited: null, reason: null },
  })
  const again = await ask('POST', '/api/v1/deposits', FIFTY, 'd1')
  expect([again.body, again.headers.get('idempotent-replayed')]).toEqual([first.body, 'true'])
  expect(await ask('POST', '/api/v1/deposits', FIFTY)).toMatchObject({
    status: 409,
    body: { code: 'reference_used', deposit_id: first.body.id, errors: [{ field: 'reference' }] },
  })
  const path = `/api/admin/deposits/${first.body.id}`
  const approved = await desk.ask('POST', `${path}/approve`, { amount: '48', reason: 'A fee.' })
  expect(approved).toMatchObject({ status: 200, body: { state: 'approved', approved_amount: '48.00' } })
  expect((await desk.ask('POST', `${path}/approve`, { amount: '48', reason: 'A fee.' })).body).toEqual(approved.body)
  expect((await ask('GET', `/api/v1/deposits/${first.body.id}`)).body).toEqual({
    ...first.body,
    ...{ state: 'approved', credited: '48.00', reason: 'A fee.', settled_at: expect.any(String) },
  })
  expect(await shop.wallet(id)).toEqual({ posted: 48_000_000n, held: 0n })
  expect((await ask('GET', '/api/v1/balance')).body).toMatchObject({ balance: '48.00' })
})

test('a customer sees and cancels their own alone, page by page, and nothing of who decided', async () => {
  const { desk, buyer } = await setup()
  const [mine, other] = [await buyer(), await buyer()]
  const ids: string[] = []
  for (const reference of ['A1', 'A2', 'A3']) {
    ids.push((await mine.ask('POST', '/api/v1/deposits', { ...FIFTY, amount: '2000', reference })).body.id)
  }
  const theirs = (await other.ask('POST', '/api/v1/deposits', FIFTY)).body
  const first = await mine.ask('GET', '/api/v1/deposits?limit=2')
  expect(first.body.data.map(({ id }: { id: string }) => id)).toEqual([ids[2], ids[1]])
  const [, next] = /<(.*)>/.exec(first.headers.get('link') ?? '') ?? []
  const second = await mine.ask('GET', next ?? '')
  expect(second.body).toMatchObject({ data: [{ id: ids[0] }], has_more: false, next_cursor: null })
  for (const [method, path] of [
    ['GET', `/api/v1/deposits/${theirs.id}`],
    ['POST', `/api/v1/deposits/${theirs.id}/cancel`],
    ['GET', '/api/v1/deposits/999999'],
  ] as const) {
    expect(await mine.ask(method, path)).toMatchObject({ status: 404, body: { code: 'deposit_not_found' } })
  }
  // One of two has approved: to the customer nothing has changed.
  const once = await desk.ask('POST', `/api/admin/deposits/${ids[0]}/approve`, { reason: 'Seen.' })
  expect(once.body).toMatchObject({ state: 'approved_once', first_approved_by: String(desk.user_id) })
  const shown = (await mine.ask('GET', `/api/v1/deposits/${ids[0]}`)).body
  expect(shown).toMatchObject({ state: 'pending', credited: null, reason: null })
  expect(Object.keys(shown).filter((name) => /_by|user|approved|same/.test(name))).toEqual([])
  expect((await mine.ask('GET', '/api/v1/deposits?state=pending')).body.data).toHaveLength(3)
  const cancelled = await mine.ask('POST', `/api/v1/deposits/${ids[0]}/cancel`)
  expect(cancelled).toMatchObject({ status: 200, body: { state: 'canceled' } })
  expect((await mine.ask('GET', '/api/v1/deposits?state=canceled')).body.data).toHaveLength(1)
})

test('staff filter, and are warned of another customer with the same reference', async () => {
  const { desk, buyer } = await setup()
  const [ada, eve] = [await buyer(), await buyer()]
  const first = (await ada.ask('POST', '/api/v1/deposits', FIFTY)).body
  const copied = (await eve.ask('POST', '/api/v1/deposits', { ...FIFTY, reference: 'trx 1' })).body
  await desk.ask('POST', `/api/admin/deposits/${first.id}/approve`, {})
  const { body } = await desk.ask('GET', `/api/admin/deposits/${copied.id}`)
  expect(body.same_reference).toEqual([{ deposit_id: first.id, user_id: String(ada.id), state: 'approved' }])
  expect(await desk.ask('POST', `/api/admin/deposits/${copied.id}/approve`, {})).toMatchObject({
    status: 409,
    body: { code: 'reference_credited', deposit_id: first.id },
  })
  const listed = async (query: string) => {
    const answer = await desk.ask('GET', `/api/admin/deposits?${query}`)
    return answer.body.data.map(({ id }: { id: string }) => id)
  }
  expect(await listed('')).toEqual([copied.id, first.id])
  expect(await listed('state=approved,refused')).toEqual([first.id])
  expect(await listed(`user_id=${eve.id}`)).toEqual([copied.id])
  expect(await listed('reference=TRX1&limit=1')).toEqual([copied.id])
  expect(await listed('method=bank_transfer&state=expired')).toEqual([])
})

test('what is not as it should be is refused with the field and the reason', async () => {
  const { desk, buyer } = await setup()
  const { ask } = await buyer()
  const bad: [object, number, string][] = [
    [{ ...FIFTY, amount: '0.99' }, 422, 'amount'],
    [{ ...FIFTY, amount: '-5' }, 422, 'amount'],
    [{ ...FIFTY, amount: '1e3' }, 422, 'amount'],
    [{ ...FIFTY, amount: 50 }, 400, 'amount'],
    [{ ...FIFTY, amount: '9'.repeat(41) }, 400, 'amount'],
    [{ ...FIFTY, method: 'cash' }, 422, 'method'],
    [{ ...FIFTY, reference: '   ' }, 400, 'reference'],
    [{ ...FIFTY, reference: '--' }, 422, 'reference'],
    [{ ...FIFTY, reference: 'x'.repeat(201) }, 400, 'reference'],
    [{ ...FIFTY, reference: 'a\0b' }, 400, 'reference'],
    [{ ...FIFTY, note: 'a\ud800' }, 400, 'note'],
    [{ ...FIFTY, note: 'x'.repeat(501) }, 400, 'note'],
    [{ ...FIFTY, state: 'approved' }, 400, 'state'],
    [{ amount: '50', reference: 'x' }, 400, 'method'],
  ]
  for (const [body, status, field] of bad) {
    const answer = await ask('POST', '/api/v1/deposits', body)
    expect([body, answer.status, answer.body.errors?.[0]?.field]).toEqual([body, status, field])
    expect(answer.body.errors[0].reason).toEqual(expect.any(String))
  }
  expect((await ask('GET', '/api/v1/deposits')).body.data).toEqual([])
  const { id } = (await ask('POST', '/api/v1/deposits', FIFTY)).body
  const decided: [string, object, number, string][] = [
    ['approve', { amount: '49.00' }, 422, 'reason'],
    ['approve', { amount: 'x', reason: 'x' }, 422, 'amount'],
    ['approve', { amount: '0', reason: 'x' }, 422, 'amount'],
    ['approve', { reason: ' ' }, 400, 'reason'],
    ['refuse', {}, 400, 'reason'],
    ['refuse', { reason: 'x'.repeat(501) }, 400, 'reason'],
  ]
  for (const [verb, body, status, field] of decided) {
    const answer = await desk.ask('POST', `/api/admin/deposits/${id}/${verb}`, body)
    expect([verb, body, answer.status, answer.body.errors?.[0]?.field]).toEqual([verb, body, status, field])
  }
  for (const query of ['state=lost', 'user_id=x', 'limit=0', 'limit=101', 'cursor=x', 'reference=%00', 'method=a%00']) {
    expect([query, (await desk.ask('GET', `/api/admin/deposits?${query}`)).status]).toEqual([query, 400])
  }
  expect((await ask('GET', `/api/v1/deposits/${id}`)).body.state).toBe('pending')
})

test('nobody but who may decides, and nobody asks without being a customer', async () => {
  const { app, shop, desk, buyer, nobody } = await setup()
  const { id, ask } = await buyer()
  const deposit = (await ask('POST', '/api/v1/deposits', FIFTY)).body
  const reader = await buyer('support')
  for (const [who, send, status] of [
    ['nobody', nobody, 401],
    ['its customer', ask, 403],
    ['support', reader.ask, 403],
    ['a trader', (await buyer('trader')).ask, 403],
  ] as const) {
    for (const verb of ['approve', 'refuse']) {
      const answer = await send('POST', `/api/admin/deposits/${deposit.id}/${verb}`, { reason: 'x' })
      expect([who, verb, answer.status]).toEqual([who, verb, status])
    }
    if (who !== 'its customer') {
      expect([who, (await send('POST', '/api/v1/deposits', FIFTY)).status]).toEqual([who, status])
    }
  }
  expect((await reader.ask('GET', `/api/support/deposits/${deposit.id}`)).body).toMatchObject({ id: deposit.id })
  const approve = `/api/support/deposits/${deposit.id}/approve`
  expect(await reader.ask('POST', approve, {})).toMatchObject({ status: 403, body: { code: 'forbidden' } })
  // Who may decide does not decide on their own.
  await app.db.query(`update identity.user set granted = '{deposits:*:own}' where id = $1`, [desk.user_id])
  await expect.poll(async () => (await desk.ask('GET', '/api/v1/deposits')).status, { timeout: 10_000 }).toBe(200)
  const own = (await desk.ask('POST', '/api/v1/deposits', { ...FIFTY, reference: 'OWN-1' })).body
  const tried = await desk.ask('POST', `/api/admin/deposits/${own.id}/approve`, {})
  expect(tried.body.code).toBe('own_account')
  expect(await shop.wallet(id)).toEqual({ posted: 0n, held: 0n })
})
