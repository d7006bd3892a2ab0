import { expect, test } from 'vitest'
import { checkBalance } from '#server/domains/providers/check-balance.ts'
import { openDoors } from '#test/support/doors.ts'
import { acceptedAs, dispatched, orderNow, placed, REFUSED, TIMED_OUT } from '#test/support/order-book.ts'
import { staffWith } from '#test/support/staff.ts'
import { recordPlacements } from '../dispatching/record-placements.ts'
import type { Order } from '../order.ts'
import { resolveUnknown } from './resolve-unknown.ts'

const PATH = '/api/admin/reconciliation'

async function setup() {
  const doors = await openDoors({ panel: { extensions: { orders_list: true } }, provider: { lists_orders: true } })
  const { app, providers } = doors.shop
  const { ask } = await staffWith(app, doors.url, ['orders:read', 'orders:resolve'])
  const look = async () => {
    await app.db.query('update orders.unknown_case set next_try_at = now() where next_try_at is not null')
    await resolveUnknown(app, providers, (placement) => recordPlacements(app, [placement]))
  }
  return { ...doors, app, ask, look, customer: await doors.customer() }
}

test('orders of unknown fate are listed oldest first, page by page, by what staff look for, with the sums that wait', async () => {
  const { shop, app, ask, look, customer } = await setup()
  const orders = [
    await dispatched(shop, customer.id, TIMED_OUT),
    await dispatched(shop, customer.id, TIMED_OUT),
    await dispatched(shop, customer.id, TIMED_OUT),
  ]
  await dispatched(shop, customer.id, REFUSED)
  await dispatched(shop, customer.id, acceptedAs('77'))
  await placed(shop, customer.id)
  await app.db.query(`update orders.orders set waiting_since = now() - interval '5 hours' where id = $1`, [
    orders[1]?.id,
  ])
  const ids = (page: { body: { data: { id: string }[] } }) => page.body.data.map(({ id }) => id)
  const all = orders.map(({ id }) => String(id))

  const unseen = await ask('GET', PATH)
  expect(ids(unseen)).toEqual(all)
  expect(unseen.body.data[0]).toMatchObject({
    admin_visible_status: 'unknown',
    user_visible_status: 'Pending',
    case: null,
  })
  await look()
  const whole = await ask('GET', PATH)
  expect(whole.body.data[0].case).toMatchObject({
    finding: 'too_early',
    looked: 1,
    attempt: { number: 1, code: 'timeout' },
  })
  const [{ charge, expected_cost }] = whole.body.data
  const times = (text: string, n: number) => (Number(text) * n).toFixed(6).replace(/(\.\d\d\d*?)0+$/, '$1')
  expect(whole.body.waiting).toMatchObject({
    orders: 3,
    charges: [{ currency: 'USD', amount: times(charge, 3) }],
    costs: [{ currency: 'USD', amount: times(expected_cost, 3) }],
  })

  const first = await ask('GET', `${PATH}?limit=2`)
  expect(ids(first)).toEqual(all.slice(0, 2))
  expect(first.body).toMatchObject({ has_more: true, waiting: { orders: 3 } })
  const second = await ask('GET', `${PATH}?limit=2&cursor=${first.body.next_cursor}`)
  expect(ids(second)).toEqual(all.slice(2))
  expect(second.body.has_more).toBe(false)

  const passing = async (query: string) => (await ask('GET', `${PATH}?${query}`)).body
  const old = await passing('waiting_hours_min=4.5')
  expect(ids({ body: old })).toEqual([all[1]])
  expect(old.waiting).toMatchObject({ orders: 1, charges: [{ amount: charge }] })
  expect((await passing(`charge_min=${charge}&charge_max=${charge}&finding=too_early`)).data).toHaveLength(3)
  for (const none of [
    `charge_min=${Number(charge) * 2}`,
    'charge_max=0.000001',
    'provider=999',
    'customer=999',
    'service=999999',
    'finding=placed',
  ]) {
    expect(await passing(none)).toMatchObject({
      data: [],
      waiting: { orders: 0, oldest_waiting_since: null, charges: [], costs: [] },
    })
  }
  for (const query of ['provider=x', 'charge_min=cheap', 'waiting_hours_min=-1', 'finding=lost', 'limit=0']) {
    expect(await ask('GET', `${PATH}?${query}`)).toMatchObject({
      status: 400,
      body: { code: 'invalid_request', errors: [{ field: expect.stringContaining(query.split('=')[0] as string) }] },
    })
  }
})

test('the evidence about one, the choices and what speaks for each', async () => {
  const { shop, app, ask, look, customer } = await setup()
  await checkBalance(shop.providers, shop.provider_id)
  const [order, alike] = [
    await dispatched(shop, customer.id, TIMED_OUT),
    await dispatched(shop, customer.id, TIMED_OUT),
  ]
  const path = `${PATH}/${order.id}`
  expect((await ask('GET', path)).body).toMatchObject({
    case: null,
    evidence: null,
    choices: [{ kind: 'placed', evidence: 'none' }, { kind: 'resend', evidence: 'none' }, { kind: 'refund' }],
  })
  // The panel has what may be either of two.
  await app.db.query('update orders.orders set link = $1 where id = any($2)', [order.link, [order.id, alike.id]])
  const fields = { service: order.provider_service_id, link: order.link, quantity: String(order.quantity) }
  const { ids } = await shop.control.enterOrders([fields])
  await look()
  const { body } = await ask('GET', path)
  expect(body).toMatchObject({
    order: {
      id: String(order.id),
      state: 'unknown',
      attempts_made: [{ number: 1, outcome: 'unknown', code: 'timeout', repeats: 0 }],
      history: expect.any(Array),
      calls: expect.any(Array),
    },
    case: { finding: 'shared_candidate', looked: 1 },
    evidence: {
      balance: { verdict: 'unclear', others: 1, undecided: 1, after: expect.any(String) },
      list: { complete: true, candidates: [{ provider_order_id: ids[0], same: true, link: order.link }] },
      rivals: 1,
      duplicate_refusals: 0,
    },
    choices: [
      { kind: 'placed', provider_order_id: ids[0], evidence: 'for' },
      { kind: 'placed', provider_order_id: null, evidence: 'for' },
      { kind: 'resend', evidence: 'against' },
      { kind: 'refund', evidence: 'against' },
    ],
  })

  // Who chooses tells the house as well: nothing else can be the other.
  const resolve = (id: bigint, choice: object) => ask('POST', `/api/admin/orders/${id}/resolve`, choice)
  expect(await resolve(alike.id, { kind: 'refund' })).toMatchObject({ status: 200 })
  expect(await ask('GET', `${PATH}/${alike.id}`)).toMatchObject({ status: 409, body: { code: 'order_not_waiting' } })
  expect(await resolve(order.id, { kind: 'placed', provider_order_id: ids[0] })).toMatchObject({ status: 200 })
  expect((await orderNow(shop, order.id)).provider_order_id).toBe(ids[0])
})

test('staff have one looked at now, and what is proven closes it', async () => {
  const { shop, app, ask, look, customer } = await setup()
  const order = await dispatched(shop, customer.id, TIMED_OUT)
  await look()
  await app.db.query(
    `update orders.attempt set started_at = started_at - interval '6 minutes', ended_at = ended_at - interval '6 minutes'`,
  )
  const dueNow = async () =>
    (await app.db.query(`select 1 from orders.unknown_case where next_try_at <= now() + interval '1 second'`)).length
  expect(await dueNow()).toBe(0)
  expect(await ask('POST', `${PATH}/${order.id}/look`)).toMatchObject({ status: 202, body: { id: String(order.id) } })
  expect(await ask('POST', `${PATH}/${order.id}/look`)).toMatchObject({ status: 202 })
  expect(await dueNow()).toBe(1)
  await look()
  expect((await orderNow(shop, order.id)).state).toBe('queued')
  expect(await ask('POST', `${PATH}/${order.id}/look`)).toMatchObject({ status: 409 })
})

test('what is no order of unknown fate has no evidence', async () => {
  const { shop, ask, customer } = await setup()
  const [queued] = (await placed(shop, customer.id)) as [Order]
  expect(await ask('GET', `${PATH}/${queued.id}`)).toMatchObject({ status: 409, body: { code: 'order_not_waiting' } })
  for (const id of ['0', 'x', '999999']) {
    expect(await ask('GET', `${PATH}/${id}`)).toMatchObject({ status: 404, body: { code: 'order_not_found' } })
    expect(await ask('POST', `${PATH}/${id}/look`)).toMatchObject({ status: 404 })
  }
})

test('a later refusal of the link as in use speaks for it, unless another order is known to be open on it', async () => {
  const { shop, app, ask, look, customer } = await setup()
  const order = await dispatched(shop, customer.id, TIMED_OUT)
  const refused = await dispatched(shop, customer.id, {
    outcome: 'rejected',
    code: 'duplicate_link',
    message: 'active',
  })
  await app.db.query('update orders.orders set link = $1 where id = $2', [order.link, refused.id])
  await look()
  const refusals = async () => (await ask('GET', `${PATH}/${order.id}`)).body.evidence.duplicate_refusals
  expect(await refusals()).toBe(1)
  const open = await dispatched(shop, customer.id, acceptedAs('78'))
  await app.db.query('update orders.orders set link = $1 where id = $2', [order.link, open.id])
  expect(await refusals()).toBe(0)
})
