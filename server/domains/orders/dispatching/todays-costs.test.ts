import { describe, expect, test } from 'vitest'
import { SYSTEM } from '#server/domains/audit/act.ts'
import { setExchangeRate } from '#server/domains/catalog/exchange-rates/set-exchange-rate.ts'
import { present } from '#server/kit/invariant.ts'
import { AMOUNT_MAX } from '#server/kit/money.ts'
import { cheapest, claim, ended, expectSound, orderNow, placed, REFUSED } from '#test/support/order-book.ts'
import { orderRow } from '#test/support/order-row.ts'
import { openShop, type Shop } from '#test/support/shop.ts'
import { addOtherProvider, asSource, changeOffer } from '#test/support/sources.ts'
import { resubmitOrders } from '../desk/resubmit-orders.ts'
import type { Order } from '../order.ts'
import { historyOf } from '../queries.ts'
import { recordPlacements } from './record-placements.ts'
import { costed, isTooDear } from './todays-costs.ts'

describe('an order of 1000 that was sold for 0.900001 and cost 0.500001', () => {
  const at = (cost: bigint, cost_usd: bigint | null, changes: Partial<Order> = {}) =>
    costed(orderRow(changes), { provider_id: 3n, cost, cost_asset: changes.cost_asset ?? 'USD', cost_usd })

  test.each([
    ['goes at the cost of placing', 500_001n, 500_001n, {}, undefined],
    ['goes when it costs what it was sold for', 900_001n, 900_001n, {}, undefined],
    ['stops a minor unit above', 900_002n, 900_002n, {}, 'It was sold for 0.900001 USD and costs 0.900002 USD now.'],
    [
      'is compared in dollars',
      90n,
      900_002n,
      { cost_asset: 'EUR' },
      'It was sold for 0.900001 USD and costs 0.900002 USD now.',
    ],
    ['goes without an exchange rate at the cost of placing', 500_001n, null, { cost_asset: 'EUR' }, undefined],
    [
      'stops without one when dearer',
      500_002n,
      null,
      { cost_asset: 'EUR' },
      'It has become dearer, and no exchange rate of EUR is fresh.',
    ],
    [
      'stops without one after a loss that staff accepted once',
      500_001n,
      null,
      { cost_asset: 'EUR', accepted_cost: 500_000n },
      'It has become dearer, and no exchange rate of EUR is fresh.',
    ],
    [
      'is a package at its price, whatever its thousand would cost',
      900_002n,
      900_002n,
      { type: 'Package', quantity: 1n },
      'It was sold for 0.900001 USD and costs 0.900002 USD now.',
    ],
  ] as const)('%s', (_, cost, cost_usd, changes, loss) => {
    const found = at(cost, cost_usd, changes)
    expect(found).toMatchObject({ expected_cost: cost, loss })
    expect(isTooDear(found)).toBe(loss !== undefined)
  })

  test('goes at a loss up to what staff accept', () => {
    expect(isTooDear(at(900_002n, 900_002n, { accepted_cost: 900_002n }))).toBe(false)
    expect(isTooDear(at(900_003n, 900_003n, { accepted_cost: 900_002n }))).toBe(true)
  })

  test('is as it was where the catalogue knows nothing of it, or bills it in another currency now', () => {
    const as_was = { expected_cost: 500_001n, loss: undefined }
    expect(costed(orderRow(), undefined)).toMatchObject(as_was)
    const elsewhere = { provider_id: 3n, cost: 10n ** 12n, cost_asset: 'EUR', cost_usd: null }
    expect(costed(orderRow(), elsewhere)).toMatchObject(as_was)
  })

  test('stops at a cost that no column could hold', () => {
    const found = at(AMOUNT_MAX, 10n ** 12n, { quantity: 10n ** 9n })
    expect(found.expected_cost).toBe(AMOUNT_MAX)
    expect(isTooDear(found)).toBe(true)
  })
})

/** The cheapest service's cost, and its worth, as a refresh would leave them. */
function setCost({ app, ...shop }: Shop, cost: bigint, cost_usd: bigint | null = cost): Promise<unknown> {
  const { id } = cheapest({ app, ...shop })
  return app.db.query('update catalog.service set cost = $2, cost_usd = $3 where id = $1', [id, cost, cost_usd])
}

async function setup(orders = 1) {
  const shop = await openShop()
  const { id: customer } = await shop.customer()
  const queued = await placed(shop, customer, orders)
  const { rate, cost } = cheapest(shop)
  const resubmit = (ids: readonly bigint[], options?: { accept_loss: boolean }) =>
    resubmitOrders(shop.app, shop.providers, ids, { kind: 'user', user_id: 5n }, options)
  return { shop, customer, queued, order: queued[0] as Order, rate, cost, resubmit }
}

describe('between placing and dispatch', () => {
  test('a cost above the price stops the order for staff, with its money held, and its neighbours go', async () => {
    const { shop, customer, order, rate } = await setup()
    const other = present(
      shop.services.find(({ type, id }) => type === 'Default' && id !== cheapest(shop).id),
      'another service',
    )
    const [neighbour] = await placed(shop, customer, 1, { service_id: other.id, quantity: String(other.min) })
    await setCost(shop, rate + 1_000n)
    const held = (await shop.wallet(customer)).held
    const { claimed, stopped } = await claim(shop)
    expect(claimed.map(({ id }) => id)).toEqual([neighbour?.id])
    expect(stopped).toBe(1)
    expect(await orderNow(shop, order.id)).toMatchObject({
      state: 'failed',
      reason: 'cost_above_price',
      detail: expect.stringMatching(/^It was sold for .* and costs .* now\.$/),
      attempt: null,
      attempts: 0,
    })
    expect((await historyOf(shop.app.db, order.id)).at(-1)).toMatchObject({ kind: 'rejected', to_state: 'failed' })
    expect((await shop.wallet(customer)).held).toBe(held)
    await expectSound(shop.app)
  })

  test('where another source is no loss it goes there, and the refused try and the step tell by which cost', async () => {
    const { shop, order } = await setup()
    const other = await addOtherProvider(shop)
    await asSource(shop, other, cheapest(shop))
    await changeOffer(shop, order.service_id, 'cost = 2 * rate, cost_usd = 2 * rate')
    expect(await claim(shop)).toMatchObject({ claimed: [], stopped: 1 })
    expect(await orderNow(shop, order.id)).toMatchObject({ state: 'queued', provider_id: other.provider_id })
    const todays = 2n * order.charge
    expect(await shop.app.db.query('select code, expected_cost from orders.attempt')).toEqual([
      { code: 'cost_above_price', expected_cost: todays },
    ])
    expect((await historyOf(shop.app.db, order.id)).at(-1)).toMatchObject({
      kind: 'rerouted',
      data: { code: 'cost_above_price', attempt: 1, expected_cost: String(todays) },
    })
    await expectSound(shop.app)
  })

  test('a cost up to the price goes, and is what the balance is held against and the books expect', async () => {
    const { shop, order, rate } = await setup()
    await setCost(shop, rate)
    const dearer = order.charge
    expect(await claim(shop, { budget: dearer - 1n })).toMatchObject({ claimed: [], stopped: 0 })
    const { claimed } = await claim(shop, { budget: dearer })
    expect(claimed).toMatchObject([{ id: order.id, expected_cost: dearer }])
    expect((await orderNow(shop, order.id)).expected_cost).toBe(dearer)
    await recordPlacements(shop.app, [
      ended(claimed[0] as Order, { outcome: 'accepted', provider_order_id: '1', charge: undefined }),
    ])
    expect((await orderNow(shop, order.id)).booked_cost).toBe(dearer)
    await expectSound(shop.app)
  })

  test('a currency that rises is a cost that rises', async () => {
    const { shop, customer, order } = await setup()
    await claim(shop)
    await shop.app.db.query(`insert into ledger.asset (code, scale) values ('EUR', 6) on conflict do nothing`)
    await shop.app.db.query(`update catalog.service set cost_asset = 'EUR'`)
    const worth = (usd_per_unit: bigint) =>
      setExchangeRate(shop.app, { asset: 'EUR', usd_per_unit, source: 'test', confirm: true, by: SYSTEM })
    await worth(1_010_000_000_000n)
    const [cheap, dear] = (await placed(shop, customer, 2)) as [Order, Order]
    await worth(1_020_000_000_000n)
    expect((await claim(shop, { room: 1 })).claimed).toMatchObject([{ id: cheap.id, cost_asset: 'EUR' }])
    await worth(1_900_000_000_000n)
    expect(await claim(shop)).toMatchObject({ claimed: [], stopped: 1 })
    expect(await orderNow(shop, dear.id)).toMatchObject({ reason: 'cost_above_price' })
    expect((await orderNow(shop, order.id)).state).toBe('dispatching')
  })

  test('a refresh that has not committed changes nothing; one that has counts for all that is claimed after', async () => {
    const { shop, queued, rate } = await setup(2)
    const risen = Promise.withResolvers<void>()
    const commit = Promise.withResolvers<void>()
    const refresh = shop.app.db.transaction(async (tx) => {
      await tx.query('update catalog.service set cost = $1, cost_usd = $1', [rate + 1_000n])
      risen.resolve()
      await commit.promise
    })
    await risen.promise
    expect(await claim(shop, { room: 1 })).toMatchObject({ claimed: [{ id: queued[0]?.id }] })
    commit.resolve()
    await refresh
    expect(await claim(shop)).toMatchObject({ claimed: [], stopped: 1 })
  })
})

describe('sending again what costs more than it was sold for', () => {
  async function stopped() {
    const set = await setup()
    await setCost(set.shop, set.rate + 1_000n)
    await claim(set.shop)
    return set
  }

  test('is refused, and done when staff accept the loss: once, and up to the cost they saw', async () => {
    const { shop, order, rate, resubmit } = await stopped()
    expect(await resubmit([order.id])).toMatchObject([{ ok: false, code: 'cost_above_price' }])
    expect((await orderNow(shop, order.id)).resubmits).toBe(0)
    expect(await resubmit([order.id], { accept_loss: true })).toEqual([{ ok: true }])
    const { accepted_cost } = await orderNow(shop, order.id)
    expect(accepted_cost).toBeGreaterThan(order.charge)
    expect((await historyOf(shop.app.db, order.id)).at(-1)?.data).toEqual({ accepted_cost: String(accepted_cost) })
    await setCost(shop, rate + 100_000n)
    expect(await claim(shop)).toMatchObject({ claimed: [], stopped: 1 })
    expect(await resubmit([order.id], { accept_loss: true })).toEqual([{ ok: true }])
    const { claimed } = await claim(shop)
    expect(claimed).toMatchObject([{ id: order.id, state: 'dispatching' }])
    await recordPlacements(shop.app, [ended(claimed[0] as Order, REFUSED)])
    expect(await resubmit([order.id])).toMatchObject([{ ok: false, code: 'cost_above_price' }])
    await expectSound(shop.app)
  })

  test('is done without when it costs less again, and acceptance that nothing needed leaves no mark', async () => {
    const { shop, order, cost, resubmit } = await stopped()
    await setCost(shop, cost)
    expect(await resubmit([order.id], { accept_loss: true })).toEqual([{ ok: true }])
    expect((await claim(shop)).claimed).toMatchObject([{ id: order.id, accepted_cost: null }])
  })
})
