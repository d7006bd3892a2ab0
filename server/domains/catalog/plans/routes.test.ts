import { describe, expect, test } from 'vitest'
import { SYSTEM } from '#server/domains/audit/act.ts'
import { priceOf } from '#server/domains/orders/order.ts'
import { actsIn } from '#test/support/acts.ts'
import { atBarrier } from '#test/support/barrier.ts'
import { openDoors } from '#test/support/doors.ts'
import { cheapest, expectSound, orderNow, placed } from '#test/support/order-book.ts'
import { staffWith } from '#test/support/staff.ts'
import { editService } from '../edit-service.ts'
import { currentSnapshot, REVISION_TTL_MS } from '../snapshot.ts'
import { openPrices } from './plan-prices.ts'
import { storePlan } from './store-plan.ts'

const PLANS = '/api/admin/price-plans'

async function setup() {
  const doors = await openDoors()
  const { app } = doors.shop
  const { ask } = await staffWith(app, doors.url, ['prices:read', 'prices:edit'])
  const service = cheapest(doors.shop)
  const panel = async (key: string, fields: Record<string, string>) => {
    const body = new URLSearchParams({ key, ...fields })
    return (await fetch(`${doors.url}/api/v2`, { method: 'POST', body })).json() as Promise<Record<string, unknown>>
  }
  /** The rate that each door shows for the service, in micro-USD. */
  const shown = async (key: string) => {
    const rows = (await panel(key, { action: 'services' })) as unknown as { service: number; rate: string }[]
    const answer = await fetch(`${doors.url}/api/v1/services`, { headers: { 'x-api-key': key } })
    const { data } = (await answer.json()) as { data: { id: string; rate: string }[] }
    const rates = [
      rows.find((row) => String(row.service) === String(service.id))?.rate,
      data.find(({ id }) => id === String(service.id))?.rate,
    ]
    return rates.map((rate) => BigInt(Math.round(Number(rate) * 1_000_000)))
  }
  let links = 0
  /** Orders a thousand at both doors; what each stored. */
  const pay = async (key: string) => {
    const link = () => `https://example.com/plan/${++links}`
    const quantity = String(service.min)
    const { order } = await panel(key, { action: 'add', service: String(service.id), link: link(), quantity })
    const rest = await fetch(`${doors.url}/api/orders/create-orders`, {
      method: 'POST',
      headers: { 'x-api-key': key, 'content-type': 'application/json' },
      body: JSON.stringify({
        orders: [{ service: String(service.id), link: link(), quantity: service.min.toString() }],
      }),
    })
    const created = (await rest.json()) as { data: { order?: { id: string } }[] }
    const ids = [order, created.data[0]?.order?.id]
    return Promise.all(ids.map((id) => orderNow(doors.shop, BigInt(String(id)))))
  }
  const create = async (body: object) => {
    const answer = await ask('POST', PLANS, { reason: 'A test.', ...body })
    expect(answer).toMatchObject({ status: 201 })
    return answer.body as { id: string; version: string }
  }
  const give = (user: bigint, plan_id: string | null) =>
    ask('PUT', `/api/admin/users/${user}/price-plan`, { plan_id, reason: 'A test.' })
  return { ...doors, app, ask, service, panel, shown, pay, create, give }
}

/** A tenth off, as rates are rounded. */
const tenthOff = (rate: bigint) => ((rate * 9n + 999n) / 1_000n) * 100n

test('the rate that a key sees is the rate that it pays, at every door, and nobody else’s changes', async () => {
  const { app, service, customer, shown, pay, create, give, ask, url } = await setup()
  const [reseller, other] = [await customer(), await customer()]
  const { id } = await create({ name: 'Resellers', discount: '10' })
  expect(await give(reseller.id, id)).toMatchObject({ status: 200, body: { plan_id: id, by: 'customer' } })
  const expected = tenthOff(service.rate)
  expect(await shown(reseller.key)).toEqual([expected, expected])
  expect(await shown(other.key)).toEqual([service.rate, service.rate])
  for (const order of await pay(reseller.key)) {
    expect(order).toMatchObject({ rate: expected, charge: priceOf(order.type, expected, order.quantity) })
  }
  for (const order of await pay(other.key)) expect(order.rate).toBe(service.rate)

  const list = await fetch(`${url}/api/v1/services`)
  expect(list.headers.get('cache-control')).toContain('public')
  expect(list.headers.get('vary')).toContain('x-api-key')
  const own = await fetch(`${url}/api/v1/services`, { headers: { 'x-api-key': reseller.key } })
  expect(own.headers.get('cache-control')).toContain('private')
  expect(own.headers.get('etag')).not.toBe(list.headers.get('etag'))
  // Who is not known sees the list, as everyone does.
  for (const headers of [{ 'x-api-key': 'sk_wrong' }, { cookie: 'saldo_session=ended' }] as Record<string, string>[]) {
    const answer = await fetch(`${url}/api/v1/services`, { headers })
    expect([answer.status, answer.headers.get('etag')]).toEqual([200, list.headers.get('etag')])
  }

  // A term for the service goes before the discount; what was ordered before keeps its rate.
  const plan = { name: 'Resellers', discount: '10', terms: [{ service_id: String(service.id), discount: '5' }] }
  expect(await ask('PUT', `${PLANS}/${id}`, { ...plan, version: '1', reason: 'Less.' })).toMatchObject({ status: 200 })
  const less = ((service.rate * 95n + 9_999n) / 10_000n) * 100n
  expect(await shown(reseller.key)).toEqual([less, less])
  for (const order of await pay(reseller.key)) expect(order.rate).toBe(less)
  expect(await give(reseller.id, null)).toMatchObject({ status: 200, body: { plan_id: null, by: null } })
  expect(await shown(reseller.key)).toEqual([service.rate, service.rate])
  expect((await actsIn(app.db, 'prices.plan')).map(({ action }) => action)).toEqual([
    'prices.plan_created',
    'prices.plan_assigned',
    'prices.plan_changed',
    'prices.plan_assigned',
  ])
  await expectSound(app)
})

test('the plan of a role counts for all of it who have none of their own, and no longer than they are in it', async () => {
  const { app, service, customer, shown, create, give, ask } = await setup()
  const [one, own] = [await customer(), await customer()]
  const [of_role, of_one] = [
    await create({ name: 'All', discount: '10' }),
    await create({ name: 'One', discount: '0' }),
  ]
  await give(own.id, of_one.id)
  const assign = (plan_id: string | null) =>
    ask('PUT', '/api/admin/roles/customer/price-plan', { plan_id, reason: 'x' })
  expect(await assign(of_role.id)).toMatchObject({ status: 200 })
  expect(await shown(one.key)).toEqual([tenthOff(service.rate), tenthOff(service.rate)])
  expect(await shown(own.key)).toEqual([service.rate, service.rate])
  expect((await ask('GET', `/api/admin/users/${one.id}/price-plan`)).body).toEqual({ plan_id: of_role.id, by: 'role' })
  expect((await ask('GET', PLANS)).body.data).toMatchObject([
    { name: 'All', customers: 0, roles: ['customer'] },
    { name: 'One', customers: 1, roles: [] },
  ])
  await app.db.query(`update identity.user set role = 'merchant' where id = $1`, [one.id])
  await expect
    .poll(async () => (await placedRate(one.id)) === service.rate, { timeout: REVISION_TTL_MS * 5, interval: 100 })
    .toBe(true)
  async function placedRate(id: bigint) {
    return (await openPrices(app, [id])).priced(id, service).rate
  }
})

test('no plan sells below the cost and the least margin, however it is written, and the preview says so', async () => {
  const { app, service, customer, ask, create, give, pay } = await setup()
  await app.db.query('update catalog.markup_rule set minimum_margin = 1000')
  const { cost_usd } = service
  const floor = (((cost_usd ?? 0n) + 1_000n + 99n) / 100n) * 100n
  expect(floor).toBeLessThan(service.rate)
  const preview = await ask('POST', `${PLANS}/preview`, { discount: '90' })
  expect(preview).toMatchObject({ status: 200 })
  const { services, limited, cheaper } = preview.body
  expect([limited, cheaper]).toEqual([services, services])
  const { id } = await create({ name: 'Too cheap', discount: '90' })
  const buyer = await customer()
  await give(buyer.id, id)
  for (const order of await pay(buyer.key)) expect(order.rate).toBe(floor)
  await ask('PUT', `${PLANS}/${id}`, {
    name: 'Too cheap',
    discount: '100',
    below_margin: true,
    version: '1',
    reason: 'x',
  })
  for (const order of await pay(buyer.key)) expect(order.rate).toBe((((cost_usd ?? 0n) + 99n) / 100n) * 100n)
  // The cost rises: the floor with it, before the next order.
  await app.db.query('update catalog.service set cost_usd = rate - 100 where id = $1', [service.id])
  await editService(app, { service_id: service.id, max: service.max - 1n })
  for (const order of await pay(buyer.key)) expect(order.rate).toBe(service.rate - 100n)
})

test('plans that nobody has are kept out of memory, and the list says how much is in each', async () => {
  const { app, ask, customer, create, give, service } = await setup()
  const terms = [
    { service_id: String(service.id), discount: '5' },
    { category: 'Texts', rate: '1' },
  ]
  const [had, of_role, unused] = [
    await create({ name: 'Had', terms }),
    await create({ name: 'Of a role' }),
    await create({ name: 'Unused', discount: '12.5', terms: terms.slice(1) }),
  ]
  await give((await customer()).id, had.id)
  await ask('PUT', '/api/admin/roles/merchant/price-plan', { plan_id: of_role.id, reason: 'x' })
  expect([...(await currentSnapshot(app)).plans.keys()].map(String)).toEqual([had.id, of_role.id])
  expect((await ask('GET', PLANS)).body.data).toMatchObject([
    { name: 'Had', terms: 2, customers: 1, roles: [] },
    { name: 'Of a role', terms: 0, customers: 0, roles: ['merchant'] },
    { name: 'Unused', terms: 1, customers: 0, roles: [] },
  ])
  const change = { name: 'Unused', discount: '7', version: '1', reason: 'x' }
  expect(await ask('PUT', `${PLANS}/${unused.id}`, change)).toMatchObject({ status: 200 })
  expect((await ask('GET', `${PLANS}/${unused.id}`)).body).toMatchObject({
    terms: [],
    history: [
      { version: '2', discount: '7.00', terms: 0 },
      { version: '1', discount: '12.50', terms: 1 },
    ],
  })
})

describe('at once', () => {
  test('orders placed while a plan changes are each charged by the rate that they store', async () => {
    const { app, shop, customer, service, create, give } = await setup()
    const { id } = await create({ name: 'Moving', discount: '10' })
    const buyer = await customer()
    await give(buyer.id, id)
    const change = (discount_bp: bigint, version: bigint) => {
      const terms = { name: 'Moving', discount_bp, below_margin: true, terms: [] }
      return storePlan(app, { plan: { id: BigInt(id), version }, terms, by: SYSTEM, reason: 'x' })
    }
    const [orders] = await Promise.all([
      Promise.all(Array.from({ length: 8 }, () => placed(shop, buyer.id, 3))),
      change(500n, 1n).then(() => change(0n, 2n)),
    ])
    const rates = [service.rate, tenthOff(service.rate), ((service.rate * 95n + 9_999n) / 10_000n) * 100n]
    for (const order of orders.flat()) {
      expect(rates).toContain(order.rate)
      expect(order.charge).toBe(priceOf(order.type, order.rate, order.quantity))
    }
    const [after] = await placed(shop, buyer.id)
    expect(after?.rate).toBe(service.rate)
    await expectSound(app)
  })

  test('of two who change a plan the second is told, and of two who name one alike one has the name', async () => {
    const { app, ask, create } = await setup()
    const { id } = await create({ name: 'Two', discount: '1' })
    const lock = (tx: { query: typeof app.db.query }) => tx.query('lock table catalog.price_plan in exclusive mode')
    const change = (discount: string) => () =>
      ask('PUT', `${PLANS}/${id}`, { name: 'Two', discount, version: '1', reason: 'x' })
    const changed = await atBarrier(app.db, lock, [change('2'), change('3')])
    expect(changed.map(({ status }) => status).sort()).toEqual([200, 409])
    const made = await atBarrier(
      app.db,
      lock,
      ['a', 'b'].map(() => () => ask('POST', PLANS, { name: 'Alike', discount: '1', reason: 'x' })),
    )
    expect(made.map(({ status }) => status).sort()).toEqual([201, 409])
    const detail = (await ask('GET', `${PLANS}/${id}`)).body
    expect(detail).toMatchObject({ version: '2', history: [{ version: '2' }, { version: '1', discount: '1.00' }] })
  })

  test('a plan that is given to someone while it is removed stays, or was never theirs', async () => {
    const { app, ask, customer, create, give } = await setup()
    const { id } = await create({ name: 'Going', discount: '1' })
    const buyer = await customer()
    const lock = (tx: { query: typeof app.db.query }) =>
      tx.query('select 1 from catalog.price_plan where id = $1 for update', [id])
    const [given, removed] = await atBarrier(app.db, lock, [
      () => give(buyer.id, id),
      () => ask('DELETE', `${PLANS}/${id}?reason=x`),
    ])
    expect([`${given?.status} ${removed?.status}`]).toEqual([expect.stringMatching(/^(200 409|404 204)$/)])
    if (removed?.status === 409) {
      await give(buyer.id, null)
      expect(await ask('DELETE', `${PLANS}/${id}?reason=x`)).toMatchObject({ status: 204 })
    }
    expect(await ask('GET', `${PLANS}/${id}`)).toMatchObject({ status: 404, body: { code: 'price_plan_not_found' } })
  })
})

test('what makes no sense is named, and nothing is done', async () => {
  const { ask, app, create } = await setup()
  const sound = { name: 'Sound', discount: '10', reason: 'x' }
  for (const [change, field] of [
    [{ name: ' ' }, 'name'],
    [{ discount: '101' }, 'discount'],
    [{ discount: '-1' }, 'discount'],
    [{ reason: undefined }, 'reason'],
    [{ terms: [{}] }, 'terms.0'],
    [{ terms: [{ service_id: '1', category: 'Texts', rate: '1' }] }, 'terms.0'],
    [{ terms: [{ service_id: '1', rate: '1', discount: '1' }] }, 'terms.0'],
    [{ terms: [{ service_id: '1', rate: '1000001' }] }, 'terms.0.rate'],
    [
      {
        terms: [
          { service_id: '1', rate: '1' },
          { service_id: '1', discount: '1' },
        ],
      },
      'terms.1',
    ],
    [{ terms: Array.from({ length: 1_001 }, (_, n) => ({ category: `c${n}`, discount: '1' })) }, 'terms'],
    [{ extra: 1 }, 'extra'],
  ] as const) {
    const answer = await ask('POST', PLANS, { ...sound, ...change })
    expect([field, answer.status, answer.body.errors?.[0]?.field]).toEqual([field, 400, field])
  }
  expect(await ask('POST', PLANS, { ...sound, terms: [{ service_id: '999999', rate: '1' }] })).toMatchObject({
    status: 404,
    body: { code: 'service_not_found' },
  })
  expect((await ask('GET', PLANS)).body.data).toEqual([])
  expect(await actsIn(app.db, 'prices.plan')).toEqual([])
  expect(await ask('PUT', `${PLANS}/77`, { ...sound, version: '1' })).toMatchObject({ status: 404 })
  expect(await ask('DELETE', `${PLANS}/77?reason=x`)).toMatchObject({ status: 404 })
  const { id } = await create({ name: 'There' })
  for (const [path, plan_id, code] of [
    ['/api/admin/users/999999/price-plan', id, 'user_not_found'],
    ['/api/admin/users/1/price-plan', '777', 'price_plan_not_found'],
    ['/api/admin/roles/nobody/price-plan', id, 'role_not_found'],
  ] as const) {
    expect(await ask('PUT', path, { plan_id, reason: 'x' })).toMatchObject({ status: 404, body: { code } })
  }
})
