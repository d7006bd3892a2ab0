import { expect, test } from 'vitest'
import { ensureAccounts } from '#server/domains/ledger/ensure-accounts.ts'
import { postEntries } from '#server/domains/ledger/post-entries.ts'
import { sealBlocks } from '#server/domains/ledger/seal.ts'
import { bonuses } from '#server/domains/payments/accounts.ts'
import { openDoors } from '#test/support/doors.ts'
import { acceptedAs, dispatched, TIMED_OUT, told } from '#test/support/order-book.ts'
import { staffWith } from '#test/support/staff.ts'
import { recordStatuses } from '../following/record-statuses.ts'
import { forecastBalances } from './forecast-balances.ts'
import { sumFinance } from './sum-finance.ts'

async function setup() {
  const { shop, url } = await openDoors()
  const staff = await staffWith(shop.app, url, ['finance:read'])
  const sum = async () => {
    while ((await sealBlocks(shop.app.db)).movements > 0);
    while ((await sumFinance(shop.app)).more);
  }
  const get = (path: string) => staff.ask('GET', `/api/admin/finance/${path}`)
  return { shop, url, headers: staff.headers, get, sum }
}

/** Two customers, one of whom spends twice as much and has a bonus of 2.50; each order completed at a cost of 0.000009. */
async function sold() {
  const house = await setup()
  const [one, other] = [await house.shop.customer('100'), await house.shop.customer('50')]
  for (const [i, id] of [one.id, one.id, other.id].entries()) {
    const order = await dispatched(house.shop, id, acceptedAs(`p${i}`, 9n))
    await recordStatuses(house.shop.app, [{ order_id: order.id, row: told('completed', { charge: 9n }) }])
  }
  await house.shop.app.db.transaction(async (tx) => {
    const [debit] = (await ensureAccounts(tx, [bonuses()])) as [bigint]
    const movement = { kind: 'transfer', debit, credit: one.wallet, amount: 2_500_000n, reason: 'x' } as const
    await postEntries(tx, [{ key: 'bonus', movements: [movement] }])
  })
  await house.sum()
  return { ...house, one, other }
}

const today = () => new Date().toISOString().slice(0, 10)

test('days, services, providers and customers add up to the same total, and say of when they are', async () => {
  const { get, one, other, shop } = await sold()
  const by_day = (await get('days')).body
  expect(by_day).toMatchObject({ to: today(), time_zone: 'UTC', currency: 'USD', as_of: expect.any(String) })
  const { total } = by_day
  expect(total).toMatchObject({
    ...{ orders_placed: 3, orders_completed: 3, orders_partial: 0, orders_cancelled: 0, returned: '0.00' },
    ...{ costs: [{ amount: '0.000027', currency: 'USD' }], other: '150.00', adjustments: '0.00', bonuses: '2.50' },
    deposits: { count: 0, amount: '0.00' },
  })
  expect(Number(total.profit)).toBeCloseTo(Number(total.turnover) - 0.000027, 6)
  expect(by_day.data).toEqual([{ day: today(), ...total }])
  const customers = (await get('customers')).body
  expect(customers.data.map((row: { customer_id: string }) => row.customer_id)).toEqual([
    String(one.id),
    String(other.id),
  ])
  const services = (await get('services?sort=placed')).body
  expect(services.data).toMatchObject([{ orders_placed: 3, turnover: total.turnover, name: expect.any(String) }])
  const providers = (await get('providers')).body
  expect(providers.data).toMatchObject([{ provider_id: String(shop.provider_id), name: 'Panel' }])
  for (const report of [customers, services, providers]) expect(report.total).toEqual(total)
  // What is not shown is in the rest.
  const first = (await get('customers?limit=1')).body
  expect(first.data).toEqual(customers.data.slice(0, 1))
  expect(first.rest).toMatchObject({
    orders_placed: 1,
    turnover: customers.data[1].turnover,
    bonuses: '0.00',
    other: '50.00',
  })
  expect(first.total).toEqual(total)
  // Of other days there is nothing.
  const before = (await get('days?from=2020-01-01&to=2020-01-31')).body
  expect(before).toMatchObject({ from: '2020-01-01', data: [], total: { orders_placed: 0, turnover: '0.00' } })
})

test('what has not been summed yet is told by the moment of the sums', async () => {
  const { get, shop, sum } = await setup()
  expect((await get('days')).body).toMatchObject({ as_of: null, data: [] })
  await sum()
  const before = (await get('days')).body.as_of
  const { id } = await shop.customer('5')
  expect((await get('days')).body).toMatchObject({ as_of: expect.any(String), data: [] })
  await sum()
  const after = (await get(`customers?from=${today()}`)).body
  expect(after.data).toMatchObject([{ customer_id: String(id), other: '5.00' }])
  expect(Date.parse(after.as_of)).toBeGreaterThan(Date.parse(before))
})

test('a balance with a provider is ours, theirs and the difference, with what may explain it', async () => {
  const { get, shop } = await setup()
  const { id } = await shop.customer('100')
  await dispatched(shop, id, acceptedAs('a', 2_500_000n))
  const lost = await dispatched(shop, id, TIMED_OUT)
  expect((await get('provider-balances')).body.data).toMatchObject([
    { ours: '997.50', theirs: null, difference: null, checked_at: null, uncertain_orders: 1 },
  ])
  await shop.app.db.query(
    `update providers.provider set balance = 995000000, balance_checked_at = now(), balance_status = 'ok'`,
  )
  const [row] = (await get('provider-balances')).body.data
  expect(row).toMatchObject({ name: 'Panel', currency: 'USD', theirs: '995.00', difference: '-2.50', check: 'ok' })
  // What is ordered after the provider was asked makes no difference, sealed or not.
  await dispatched(shop, id, acceptedAs('b', 1_000_000n))
  for (let i = 0; i < 2; i++) {
    const [after] = (await get('provider-balances')).body.data
    expect(after).toMatchObject({ ours: '996.50', ours_then: '997.50', theirs: '995.00', difference: '-2.50' })
    await sealBlocks(shop.app.db)
  }
  // When it did not answer the last time, nobody knows of when its balance is.
  await shop.app.db.query(`update providers.provider set balance_status = 'timeout', balance_error = 'no answer'`)
  const unread = { ours: '996.50', theirs: null, ours_then: null, difference: null, check: 'timeout' }
  expect((await get('provider-balances')).body.data).toMatchObject([unread])
  expect(BigInt(Math.round(Number(row.uncertain_cost) * 1e6))).toBe(lost.expected_cost)
})

test('for how long a balance lasts follows from what the provider took in the last hours, and is told once in a while', async () => {
  const { shop, get, sum } = await setup()
  const { app } = shop
  const { id } = await shop.customer()
  const first = async () => (await get('provider-balances')).body.data[0]
  expect(await first()).toMatchObject({ spent_per_hour: '0.00', hours_left: null })
  await dispatched(shop, id, acceptedAs('a', 3_000_000n))
  await sum()
  await sum()
  expect(await app.db.query('select cost, provider_id from orders.provider_hour')).toEqual([
    { cost: 3_000_000n, provider_id: shop.provider_id },
  ])
  const { spent_per_hour, hours_left } = await first()
  // Of the hour at hand and the one before.
  expect(Number(spent_per_hour)).toBeGreaterThanOrEqual(1.5)
  expect(Number(spent_per_hour)).toBeLessThanOrEqual(3)
  expect(hours_left).toBe(Math.floor(997 / Number(spent_per_hour)))
  await app.db.query(`insert into orders.provider_hour values (now() - interval '4 days', 1, 'USD', 1)`)
  await forecastBalances(app)
  expect(await app.db.query('select cost from orders.provider_hour')).toHaveLength(1)
  const told = await app.db.query<{ payload: { providers: unknown[] } }>(
    `select payload from platform.outbox where type = 'orders.balances_forecast'`,
  )
  expect(told[0]?.payload.providers).toMatchObject([{ name: 'Panel', hours_left }])
})

test('days and rows that cannot be are refused with the field and the reason', async () => {
  const { get } = await setup()
  const bad: [string, number, string][] = [
    ['days?from=2026-02-30', 400, 'from'],
    ['days?to=yesterday', 400, 'to'],
    ['days?from=2026-03-02&to=2026-03-01', 422, 'to'],
    ['days?from=2025-01-01&to=2026-01-02', 422, 'to'],
    ['services?limit=501', 400, 'limit'],
    ['providers?limit=0', 400, 'limit'],
    ['customers?sort=name', 400, 'sort'],
    ['services.csv?from=2025-01-01&to=2026-01-02', 422, 'to'],
    ['customers.csv?from=x', 400, 'from'],
  ]
  for (const [path, status, field] of bad) {
    const answer = await get(path)
    expect([path, answer.status, answer.body.errors?.[0]?.field]).toEqual([path, status, field])
    expect(answer.body.errors[0].reason).toEqual(expect.any(String))
  }
  expect((await get('days?from=2025-01-01&to=2026-01-01')).status).toBe(200)
})

test('the sums come as files that add up to the same total, page by page, and who took them is in the audit', async () => {
  const { get, headers, shop, url, one } = await sold()
  const { total } = (await get('days')).body
  // Many more rows than a page has, of another day.
  await shop.app.db.query(`
    insert into orders.finance_customer_day
    select '2020-05-05', n, 'USD', 1, 0, 0, 0, 1000000, 0, 0, 0, 0, 0, 0, 0, 0 from generate_series(1, 12000) as n`)
  const linesOf = async (path: string) => {
    const response = await fetch(`${url}/api/admin/finance/${path}`, { headers })
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/csv; charset=utf-8'])
    const [head = '', ...lines] = (await response.text()).trim().split('\r\n')
    const names = head.replace('\uFEFF', '').replaceAll('"', '').split(',')
    return lines.map((line) => {
      const cells = line.replaceAll('"', '').split(',')
      return Object.fromEntries(names.map((name, i) => [name, cells[i] ?? '']))
    })
  }
  for (const path of ['services.csv', 'customers.csv']) {
    const lines = await linesOf(path)
    const turnover = lines.reduce((sum, line) => sum + Number(line.turnover), 0)
    expect(turnover).toBeCloseTo(Number(total.turnover), 6)
    expect(lines.reduce((sum, line) => sum + Number(line.orders_placed), 0)).toBe(3)
  }
  const [first] = await linesOf('customers.csv')
  expect(first).toMatchObject({
    day: today(),
    customer_id: String(one.id),
    currency: 'USD',
    bonuses: '2.50',
    other: '100.00',
  })
  const many = await linesOf('customers.csv?from=2020-05-01&to=2020-05-31')
  expect(many.map((line) => Number(line.customer_id))).toEqual(Array.from({ length: 12_000 }, (_each, i) => i + 1))
  expect(await linesOf('services.csv?from=2020-05-01&to=2020-05-31')).toEqual([])
  const acts = await shop.app.db.query(`select after from audit.act where action = 'finance.exported' order by id`)
  expect(acts).toHaveLength(5)
  expect(acts[0]).toMatchObject({ after: { what: 'services', to: today() } })
})
