import { describe, expect, test } from 'vitest'
import { asked, cheapest, claim, expectSound, orderNow, placed } from '#test/support/order-book.ts'
import { openShop } from '#test/support/shop.ts'
import type { Order } from '../order.ts'
import { attemptsOf, historyOf } from '../queries.ts'

const ids = (orders: readonly Order[]) => orders.map((order) => order.id)

test('a claim is written down before anything is sent: state, attempt, lease, history', async () => {
  const shop = await openShop()
  const { id: customer } = await shop.customer()
  const [order] = (await placed(shop, customer)) as [Order]
  const begin = Date.now()
  const { claimed } = await claim(shop, { lease_ms: 60_000 })
  const [taken] = claimed as [Order]
  expect(await orderNow(shop, order.id)).toMatchObject({
    state: 'dispatching',
    attempt: taken.attempt,
    attempts: 1,
    version: 2n,
  })
  expect((await orderNow(shop, order.id)).claimed_until?.getTime()).toBeGreaterThanOrEqual(begin + 60_000)
  expect(await attemptsOf(shop.app.db, order.id)).toMatchObject([
    { key: taken.attempt, number: 1, state: 'sent', ended_at: null },
  ])
  expect((await historyOf(shop.app.db, order.id)).map((step) => [step.kind, step.to_state])).toEqual([
    ['placed', 'queued'],
    ['sent', 'dispatching'],
  ])
  await expectSound(shop.app)
})

test('nothing queued is nothing claimed', async () => {
  const shop = await openShop()
  expect(await claim(shop)).toEqual({ claimed: [], stopped: 0, last_customer: 0n })
})

describe('two callers', () => {
  test('never take the same order, and together take all', async () => {
    const shop = await openShop()
    const customers = await Promise.all([1, 2, 3].map(() => shop.customer()))
    const queued = (await Promise.all(customers.map(({ id }) => placed(shop, id, 40)))).flat()
    const claims = await Promise.all(Array.from({ length: 8 }, () => claim(shop, { room: 15 })))
    const taken = claims.flatMap(({ claimed }) => ids(claimed))
    expect(new Set(taken).size).toBe(taken.length)
    const rest = ids((await claim(shop)).claimed)
    expect([...taken, ...rest].sort()).toEqual(ids(queued).sort())
    await expectSound(shop.app)
  })

  test('the second passes over what the first is taking, without waiting for it', async () => {
    const shop = await openShop()
    const { id: customer } = await shop.customer()
    const [first, second] = (await placed(shop, customer, 2)) as [Order, Order]
    const taking = Promise.withResolvers<void>()
    const taken = Promise.withResolvers<void>()
    const other = shop.app.db.transaction(async (tx) => {
      await tx.query('select from orders.orders where id = $1 for no key update', [first.id])
      taking.resolve()
      await taken.promise
    })
    await taking.promise
    expect(ids((await claim(shop)).claimed)).toEqual([second.id])
    taken.resolve()
    await other
    expect(ids((await claim(shop)).claimed)).toEqual([first.id])
  })
})

describe('fairness', () => {
  test('a customer with five thousand orders queued does not hold up one who came later with two', async () => {
    const shop = await openShop()
    const big = await shop.customer('90000')
    for (let i = 0; i < 5; i++) await placed(shop, big.id, 1_000)
    const small = await shop.customer()
    const two = await placed(shop, small.id, 2)
    const { claimed } = await claim(shop, { room: 16 })
    expect(ids(claimed)).toEqual(expect.arrayContaining(ids(two)))
    expect(claimed.filter((order) => order.customer_id === big.id)).toHaveLength(8)
  })

  test('each customer is served in turn, also when a claim has room for fewer than wait', async () => {
    const shop = await openShop()
    const customers = await Promise.all([1, 2, 3, 4, 5].map(() => shop.customer()))
    await Promise.all(customers.map(({ id }) => placed(shop, id, 6)))
    const served = new Map<bigint, number>()
    let after_customer = 0n
    for (let turn = 0; turn < 5; turn++) {
      const { claimed, last_customer } = await claim(shop, { room: 3, after_customer })
      for (const order of claimed) served.set(order.customer_id, (served.get(order.customer_id) ?? 0) + 1)
      after_customer = last_customer
    }
    expect([...served.values()]).toEqual([3, 3, 3, 3, 3])
  })

  test('of one customer the oldest order goes first', async () => {
    const shop = await openShop()
    const { id: customer } = await shop.customer()
    const queued = await placed(shop, customer, 5)
    const { claimed } = await claim(shop, { room: 3 })
    expect(ids(claimed)).toEqual(ids(queued).sort().slice(0, 3))
  })

  test('orders of another provider are left alone', async () => {
    const shop = await openShop()
    const { id: customer } = await shop.customer()
    await placed(shop, customer, 2)
    expect((await claim(shop, { provider_id: shop.provider_id + 1n })).claimed).toEqual([])
  })
})

describe('the balance', () => {
  async function threeOrders() {
    const shop = await openShop()
    const { id: customer } = await shop.customer()
    const orders = await placed(shop, customer, 3)
    return { shop, customer, orders, cost: (orders[0] as Order).expected_cost }
  }

  test('runs down over a claim; what it does not cover any more waits', async () => {
    const { shop, orders, cost } = await threeOrders()
    const { claimed, stopped } = await claim(shop, { balance: asked(2n * cost + 1n), budget: 2n * cost + 1n })
    expect(ids(claimed)).toEqual(ids(orders).sort().slice(0, 2))
    expect(stopped).toBe(0)
    expect((await claim(shop, { balance: asked(2n * cost), budget: 0n })).claimed).toEqual([])
    expect(await orderNow(shop, orders[2]?.id as bigint)).toMatchObject({ state: 'queued', version: 1n })
  })

  test('says nothing about an order that was queued after it was asked', async () => {
    const { shop, orders, cost } = await threeOrders()
    const before = { amount: cost - 1n, asked_at: new Date((orders[0] as Order).placed_at.getTime() - 1) }
    expect(await claim(shop, { balance: before, budget: cost - 1n })).toMatchObject({ claimed: [], stopped: 0 })
    expect(await claim(shop, { balance: asked(cost - 1n), budget: cost - 1n })).toMatchObject({
      claimed: [],
      stopped: 3,
    })
  })

  test('an order that costs more than all of it fails, with its money held, and its neighbours go', async () => {
    const { shop, customer, orders, cost } = await threeOrders()
    const [dear] = (await placed(shop, customer, 1, { quantity: String(cheapest(shop).min * 2n) })) as [Order]
    const held = (await shop.wallet(customer)).held
    const { claimed, stopped } = await claim(shop, { balance: asked(dear.expected_cost - 1n), budget: cost })
    expect(claimed).toHaveLength(1)
    expect(stopped).toBe(1)
    expect(await orderNow(shop, dear.id)).toMatchObject({
      state: 'failed',
      reason: 'insufficient_provider_balance',
      balance_check_status: 'insufficient',
      attempt: null,
      attempts: 0,
    })
    expect((await shop.wallet(customer)).held).toBe(held)
    expect(orders).toHaveLength(3)
    await expectSound(shop.app)
  })
})
