import { expect, test } from 'vitest'
import { actsIn } from '#test/support/acts.ts'
import { openDoors } from '#test/support/doors.ts'
import { staffWith } from '#test/support/staff.ts'

const RULES = '/api/admin/deposit-bonuses'

async function setup() {
  const { shop, url, customer } = await openDoors()
  const { app } = shop
  const { ask } = await staffWith(app, url, ['bonuses:read', 'bonuses:edit', 'deposits:decide'])
  const { key } = await customer('0')
  const own = async (method: string, path: string, body?: object) => {
    const headers = { 'x-api-key': key, ...(body && { 'content-type': 'application/json' }) }
    const response = await fetch(url + path, { method, headers, body: body ? JSON.stringify(body) : null })
    return response.json() as Promise<Record<string, unknown>>
  }
  return { app, ask, own }
}

const RULE = { name: 'New year', deposit_min: '100.00', percent: '5', amount_max: '20.00', reason: 'A campaign.' }

test('staff promise a bonus, customers see it, get it with the next deposit, and it is ended', async () => {
  const { app, ask, own } = await setup()
  const made = await ask('POST', RULES, RULE)
  expect(made).toMatchObject({
    status: 201,
    body: { name: 'New year', percent: '5.00', amount_max: '20.00', ends_at: null, deposits: 0, given: '0.00' },
  })
  const promised = [{ deposit_min: '100.00', percent: '5.00', amount_max: '20.00', ends_at: null }]
  expect(await own('GET', '/api/v1/deposits/options')).toMatchObject({ bonuses: promised })
  const deposit = await own('POST', '/api/v1/deposits', {
    amount: '300.00',
    method: 'bank_transfer',
    reference: 'TRX-1',
  })
  expect(deposit).toMatchObject({ state: 'pending', bonus: null })
  const approved = await ask('POST', `/api/admin/deposits/${deposit.id}/approve`, {})
  expect(approved).toMatchObject({ status: 200, body: { state: 'approved', bonus: '15.00' } })
  expect(await own('GET', `/api/v1/deposits/${deposit.id}`)).toMatchObject({ credited: '300.00', bonus: '15.00' })
  expect(await own('GET', '/api/v1/balance')).toMatchObject({ balance: '315.00' })
  const end = () => ask('POST', `${RULES}/${made.body.id}/end`, { reason: 'Over.' })
  expect(await end()).toMatchObject({
    status: 200,
    body: { ends_at: expect.any(String), deposits: 1, given: '15.00' },
  })
  expect(await end()).toMatchObject({ status: 409, body: { code: 'bonus_rule_ended' } })
  expect(await own('GET', '/api/v1/deposits/options')).toMatchObject({ bonuses: [] })
  expect((await ask('GET', RULES)).body.data).toMatchObject([{ name: 'New year', given: '15.00' }])
  expect((await actsIn(app.db, 'bonuses.')).map(({ action, reason }) => [action, reason])).toEqual([
    ['bonuses.rule_created', 'A campaign.'],
    ['bonuses.rule_ended', 'Over.'],
  ])
})

test('what makes no sense is named, and nothing is promised', async () => {
  const { ask } = await setup()
  for (const [change, field] of [
    [{ name: ' ' }, 'name'],
    [{ percent: '0' }, 'percent'],
    [{ percent: '100.01' }, 'percent'],
    [{ percent: '-5' }, 'percent'],
    [{ deposit_min: '0' }, 'deposit_min'],
    [{ deposit_min: 100 }, 'deposit_min'],
    [{ amount_max: '0' }, 'amount_max'],
    [{ ends_at: '2020-01-01T00:00:00Z' }, 'ends_at'],
    [{ starts_at: '2099-02-01T00:00:00Z', ends_at: '2099-01-01T00:00:00Z' }, 'ends_at'],
    [{ reason: undefined }, 'reason'],
    [{ extra: 1 }, 'extra'],
  ] as const) {
    const answer = await ask('POST', RULES, { ...RULE, ...change })
    expect([field, answer.status, answer.body.errors?.[0]?.field]).toEqual([field, 400, field])
  }
  expect((await ask('GET', RULES)).body.data).toEqual([])
  expect(await ask('POST', `${RULES}/77/end`, { reason: 'x' })).toMatchObject({ status: 404 })
  await ask('POST', RULES, { ...RULE, starts_at: '2099-01-01T00:00:00Z' })
  expect(await ask('POST', RULES, RULE)).toMatchObject({ status: 409, body: { code: 'bonus_name_taken' } })
  // One that has not begun never does.
  const [{ id, starts_at }] = (await ask('GET', RULES)).body.data
  expect(await ask('POST', `${RULES}/${id}/end`, { reason: 'x' })).toMatchObject({ body: { ends_at: starts_at } })
})

test('what still holds is shown and can be ended, however many have come and gone since', async () => {
  const { app, ask } = await setup()
  const { body: standing } = await ask('POST', RULES, RULE)
  await app.db.query(`
    insert into payments.bonus_rule (name, asset, deposit_min, percent_bp, starts_at, ends_at, created_at)
    select 'Weekend ' || n, asset, 1, 100, starts_at, starts_at, created_at
    from payments.bonus_rule cross join generate_series(1, 210) n`)
  const { data } = (await ask('GET', RULES)).body
  expect(data.slice(0, 3)).toMatchObject([{ id: standing.id }, { name: 'Weekend 210' }, { name: 'Weekend 209' }])
  expect(data).toHaveLength(200)
  expect(await ask('POST', `${RULES}/${standing.id}/end`, { reason: 'Over.' })).toMatchObject({
    status: 200,
    body: { id: standing.id, ends_at: expect.any(String) },
  })
  // Among those that ended it is the oldest: it can be ended once all the same.
  expect((await ask('GET', RULES)).body.data[0]).toMatchObject({ name: 'Weekend 210' })
  expect(await ask('POST', `${RULES}/${standing.id}/end`, { reason: 'Over.' })).toMatchObject({ status: 409 })
})
