import { describe, expect, test } from 'vitest'
import { SYSTEM } from '#server/domains/audit/act.ts'
import { editService } from '#server/domains/catalog/edit-service.ts'
import { assignPlan } from '#server/domains/catalog/plans/assign-plan.ts'
import { openPrices } from '#server/domains/catalog/plans/plan-prices.ts'
import { storePlan } from '#server/domains/catalog/plans/store-plan.ts'
import { forgetServices } from '#server/domains/catalog/sellable-services.ts'
import { postEntries } from '#server/domains/ledger/post-entries.ts'
import { newUuid } from '#server/kit/id.ts'
import { InvariantError } from '#server/kit/invariant.ts'
import { atBarrier } from '#test/support/barrier.ts'
import { countingStatements } from '#test/support/counting.ts'
import { anOrder, expectSound, orderNow } from '#test/support/order-book.ts'
import { openShop, type Shop } from '#test/support/shop.ts'
import { accountIds, worldIn } from '../accounts.ts'
import { historyOf } from '../queries.ts'
import { PLACE_ORDERS_MAX, type PlaceOutcome, placeOrders } from './place-orders.ts'

/** A shop with a service of exactly one dollar an order. */
async function setup(usd = '100') {
  const shop = await openShop()
  const { id, wallet } = await shop.customer(usd)
  const service = await dollarService(shop)
  const order = (changes = {}) => anOrder(shop, id, { service_id: service.id, quantity: '1000', ...changes })
  return { shop, app: shop.app, customer: id, wallet, service, order }
}

async function dollarService(shop: Shop) {
  const [service] = shop.services.filter((each) => each.type === 'Default' && each.min <= 1_000n && each.max >= 1_000n)
  if (!service) throw new Error('no service takes a thousand')
  await shop.app.db.query('update catalog.service set rate = 1000000, cost = 500000 where id = $1', [service.id])
  await forgetServices(shop.app)
  return service
}

function idOf(outcome: PlaceOutcome | undefined): bigint {
  if (!outcome?.ok) throw new Error(`refused: ${outcome?.refusal.code}`)
  return outcome.order_id
}

const codes = (outcomes: readonly PlaceOutcome[]) =>
  outcomes.map((outcome) => (outcome.ok ? (outcome.replayed ? 'again' : 'ok') : outcome.refusal.code))

const ordersStored = async (shop: Shop) =>
  (await shop.app.db.query<{ n: bigint }>('select count(*) as n from orders.orders'))[0]?.n

async function pay(shop: Shop, wallet: bigint, amount: bigint): Promise<void> {
  const [world] = (await accountIds(shop.app.db, [worldIn('USD')])) as [bigint]
  const movements = [{ kind: 'transfer', debit: world, credit: wallet, amount, reason: 'test.fund' }] as const
  await shop.app.db.transaction((tx) => postEntries(tx, [{ key: newUuid(), movements }]))
}

test('an order is held, recorded, queued, begun in its history and told, all at once', async () => {
  const { shop, app, customer, wallet, service, order } = await setup()
  const [outcome] = await placeOrders(app, [order({ link: ' https://example.com/x ' })])
  expect(outcome).toEqual({ ok: true, order_id: idOf(outcome), charge: 1_000_000n, asset: 'USD', replayed: false })
  expect(await orderNow(shop, idOf(outcome))).toMatchObject({
    customer_id: customer,
    service_id: service.id,
    wallet,
    state: 'queued',
    quantity: 1_000n,
    charge: 1_000_000n,
    expected_cost: 500_000n,
    booked_cost: 0n,
    link: 'https://example.com/x',
    params: {},
    version: 1n,
    provider_service_id: service.provider_service_id,
  })
  expect(await shop.wallet(customer)).toEqual({ posted: 100_000_000n, held: 1_000_000n })
  expect(await historyOf(app.db, idOf(outcome))).toMatchObject([
    { version: 1n, kind: 'placed', from_state: null, to_state: 'queued', actor: `customer:${customer}` },
  ])
  expect(await app.db.query(`select subject from platform.outbox where subject like 'order:%'`)).toEqual([
    { subject: `order:${idOf(outcome)}` },
  ])
  await expectSound(app)
})

describe('batches', () => {
  test('none is placed by an empty one', async () => {
    const { shop, app } = await setup()
    expect(await placeOrders(app, [])).toEqual([])
    expect(await ordersStored(shop)).toBe(0n)
  })

  test('the longest takes as many statements as one order, a longer one is refused before anything happens', async () => {
    const { shop, app, order } = await setup('2000')
    const counting = countingStatements(app)
    await placeOrders(counting.app, [order()])
    const begin = counting.count()
    await placeOrders(counting.app, [order()])
    const one = counting.count() - begin
    const many = Array.from({ length: PLACE_ORDERS_MAX }, () => order())
    expect(codes(await placeOrders(counting.app, many)).every((code) => code === 'ok')).toBe(true)
    expect(counting.count() - begin - one).toBe(one)
    await expect(placeOrders(app, [...many, order()])).rejects.toThrow(InvariantError)
    expect(await ordersStored(shop)).toBe(1_002n)
    await expectSound(app)
  })

  test('which plans customers have and what their keys have made is looked up in one round trip', async () => {
    const { shop, app, order } = await setup()
    const terms = { name: 'Resellers', discount_bp: 0n, below_margin: false, terms: [] }
    const plan = await storePlan(app, { terms, by: SYSTEM, reason: 'A test.' })
    const { id } = await shop.customer('1')
    await assignPlan(app, { to: { customer_id: id }, plan_id: plan.id, by: SYSTEM, reason: 'A test.' })
    await openPrices(app, [id])
    const lock = (tx: { query: typeof app.db.query }) =>
      tx.query('lock table catalog.price_plan_customer, orders.orders in access exclusive mode')
    const place = () => placeOrders(app, [order({ request_key: 'one' })])
    const [outcomes] = await atBarrier(app.db, lock, [place], 2)
    expect(codes(outcomes ?? [])).toEqual(['ok'])
  })

  test('outcome i answers input i, and a refused input fails none of its neighbours', async () => {
    const { shop, app, customer, order } = await setup('2')
    const outcomes = await placeOrders(app, [
      order(),
      order({ quantity: '0' }),
      order({ link: 'no link' }),
      order({ service_id: 999_999n }),
      order({ request_key: '' }),
      order(),
      order(),
    ])
    expect(codes(outcomes)).toEqual([
      'ok',
      'quantity_below_min',
      'link_invalid',
      'service_not_found',
      'request_key_invalid',
      'ok',
      'insufficient_funds',
    ])
    expect(await shop.wallet(customer)).toEqual({ posted: 2_000_000n, held: 2_000_000n })
    expect(await ordersStored(shop)).toBe(2n)
    await expectSound(app)
  })

  test('orders of many customers are each paid from their own wallet', async () => {
    const { shop, app, order } = await setup()
    const customers = await Promise.all(['1', '0', '5'].map((usd) => shop.customer(usd)))
    const outcomes = await placeOrders(
      app,
      customers.flatMap(({ id }) => [order({ customer_id: id }), order({ customer_id: id })]),
    )
    expect(codes(outcomes)).toEqual([
      'ok',
      'insufficient_funds',
      'insufficient_funds',
      'insufficient_funds',
      'ok',
      'ok',
    ])
    const held = await Promise.all(customers.map(async ({ id }) => (await shop.wallet(id)).held))
    expect(held).toEqual([1_000_000n, 0n, 2_000_000n])
  })

  test('the parameters of each type are kept', async () => {
    const { shop, app, order } = await setup()
    const [comments, pack] = await placeOrders(app, [
      order({ service_id: shop.service('Custom Comments').id, comments: '"a"\n\\b\n{c},NULL', quantity: undefined }),
      order({ service_id: shop.service('Package').id, quantity: undefined }),
    ])
    expect(await orderNow(shop, idOf(comments))).toMatchObject({
      quantity: 3n,
      params: { comments: '"a"\n\\b\n{c},NULL' },
    })
    expect(await orderNow(shop, idOf(pack))).toMatchObject({ quantity: 1n, params: {} })
  })
})

describe('request keys', () => {
  test('the same request under one key is one order, in one batch and later', async () => {
    const { shop, app, customer, order } = await setup()
    const keyed = order({ request_key: 'k' })
    const outcomes = await placeOrders(app, [keyed, order(), keyed])
    expect(codes(outcomes)).toEqual(['ok', 'ok', 'again'])
    const [again] = await placeOrders(app, [keyed])
    expect(idOf(again)).toBe(idOf(outcomes[0]))
    expect(again).toMatchObject({ replayed: true, charge: 1_000_000n })
    expect((await shop.wallet(customer)).held).toBe(2_000_000n)
    await expectSound(app)
  })

  test('another request under that key is refused, in one batch and later', async () => {
    const { shop, app, customer, order } = await setup()
    const keyed = order({ request_key: 'k' })
    const others = [
      { ...keyed, quantity: '999' },
      { ...keyed, link: 'https://example.com/other' },
      { ...keyed, service_id: shop.service('Package').id },
      { ...keyed, quantity: 'x' },
    ]
    expect(codes(await placeOrders(app, [keyed, { ...keyed, quantity: '999' }]))).toEqual(['ok', 'request_key_reused'])
    expect(codes(await placeOrders(app, others))).toEqual(others.map(() => 'request_key_reused'))
    expect((await shop.wallet(customer)).held).toBe(1_000_000n)
  })

  test('a key belongs to its customer', async () => {
    const { shop, app, order } = await setup()
    const other = await shop.customer('5')
    const outcomes = await placeOrders(app, [
      order({ request_key: 'k' }),
      order({ request_key: 'k', customer_id: other.id }),
    ])
    expect(codes(outcomes)).toEqual(['ok', 'ok'])
  })

  test('neither a new price, nor new limits, nor the end of the service makes it another request', async () => {
    const { app, service, order } = await setup()
    const keyed = order({ request_key: 'k' })
    const [first] = await placeOrders(app, [keyed])
    for (const edit of [{ rate: 2_000_000_000n }, { min: 2_000n }, { active: false }]) {
      await editService(app, { service_id: service.id, ...edit })
      const [again] = await placeOrders(app, [keyed])
      expect(again).toEqual({ ...first, replayed: true })
    }
    expect(codes(await placeOrders(app, [order({ request_key: 'new' })]))).toEqual(['service_not_found'])
  })

  test('a refusal for want of funds stays the answer of its key after a deposit; a new key buys', async () => {
    const { shop, app, customer, wallet, order } = await setup('0.5')
    const keyed = order({ request_key: 'k' })
    expect(codes(await placeOrders(app, [keyed]))).toEqual(['insufficient_funds'])
    await pay(shop, wallet, 5_000_000n)
    expect(codes(await placeOrders(app, [keyed, { ...keyed, request_key: 'k2' }]))).toEqual([
      'insufficient_funds',
      'ok',
    ])
    expect((await shop.wallet(customer)).held).toBe(1_000_000n)
    await expectSound(app)
  })

  test('a request that is refused before its money is looked at leaves its key free', async () => {
    const { app, order } = await setup()
    expect(codes(await placeOrders(app, [order({ request_key: 'k', quantity: '0' })]))).toEqual(['quantity_below_min'])
    expect(codes(await placeOrders(app, [order({ request_key: 'k' })]))).toEqual(['ok'])
  })
})

describe('races', () => {
  const holdWallet = (wallet: bigint) => (tx: { query: Shop['app']['db']['query'] }) =>
    tx.query('select from ledger.account where id = $1 for update', [wallet])

  test('six callers with one request key place one order', async () => {
    const { shop, app, customer, wallet, order } = await setup()
    const keyed = order({ request_key: 'k' })
    const outcomes = await atBarrier(
      app.db,
      holdWallet(wallet),
      Array.from({ length: 6 }, () => () => placeOrders(app, [keyed])),
    )
    expect(codes(outcomes.flat()).sort()).toEqual(['again', 'again', 'again', 'again', 'again', 'ok'])
    expect(new Set(outcomes.flat().map(idOf)).size).toBe(1)
    expect(await shop.wallet(customer)).toEqual({ posted: 100_000_000n, held: 1_000_000n })
    expect(await ordersStored(shop)).toBe(1n)
    await expectSound(app)
  })

  test('two callers with one key and different requests: one is placed, the other told', async () => {
    const { shop, app, wallet, order } = await setup()
    const outcomes = await atBarrier(app.db, holdWallet(wallet), [
      () => placeOrders(app, [order({ request_key: 'k' })]),
      () => placeOrders(app, [order({ request_key: 'k' })]),
    ])
    expect(codes(outcomes.flat()).sort()).toEqual(['ok', 'request_key_reused'])
    expect(await ordersStored(shop)).toBe(1n)
  })

  test('the last dollar is spent once', async () => {
    const { shop, app, customer, wallet, order } = await setup('1')
    const outcomes = await atBarrier(
      app.db,
      holdWallet(wallet),
      Array.from({ length: 6 }, () => () => placeOrders(app, [order()])),
    )
    expect(codes(outcomes.flat()).filter((code) => code === 'ok')).toHaveLength(1)
    expect(await shop.wallet(customer)).toEqual({ posted: 1_000_000n, held: 1_000_000n })
    expect(await ordersStored(shop)).toBe(1n)
    await expectSound(app)
  })

  test('two batches over the same customers in opposite order both succeed', async () => {
    const { shop, app, order } = await setup()
    const customers = await Promise.all([1, 2, 3, 4].map(() => shop.customer('10')))
    const batch = customers.map(({ id }) => order({ customer_id: id }))
    const first = customers[0]?.wallet as bigint
    const outcomes = await atBarrier(app.db, holdWallet(first), [
      () => placeOrders(app, batch),
      () => placeOrders(app, batch.toReversed()),
    ])
    expect(codes(outcomes.flat()).every((code) => code === 'ok')).toBe(true)
    await expectSound(app)
  })
})
