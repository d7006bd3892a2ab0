import { describe, expect, test } from 'vitest'
import type { FaultName } from '#sandbox/provider/faults.ts'
import { servicesByIds } from '#server/domains/catalog/sellable-services.ts'
import { removeSource } from '#server/domains/catalog/sources/remove-source.ts'
import { setSource } from '#server/domains/catalog/sources/set-source.ts'
import { setStrategy } from '#server/domains/catalog/sources/set-strategy.ts'
import { sealBlocks } from '#server/domains/ledger/seal.ts'
import { readPlaced } from '#server/domains/providers/adapters/panel-v2/map-place.ts'
import type { PlaceOutcome, RejectionCode } from '#server/domains/providers/provider.ts'
import { atBarrier } from '#test/support/barrier.ts'
import {
  acceptedAs,
  asked,
  cheapest,
  claim,
  ended,
  expectSound,
  NOT_SENT,
  orderNow,
  placed,
  TIMED_OUT,
  told,
} from '#test/support/order-book.ts'
import { openShop } from '#test/support/shop.ts'
import { addOtherProvider, asSource, changeOffer, changeStanding } from '#test/support/sources.ts'
import { exportOrders } from '../desk/export-orders.ts'
import { findDeskOrder } from '../desk/list-orders.ts'
import { readDeskDetail } from '../desk/read-desk-detail.ts'
import { resolveOrder } from '../desk/resolve-order.ts'
import { dispatchOrders, newLane } from '../dispatching/dispatch-orders.ts'
import { recordPlacements } from '../dispatching/record-placements.ts'
import { figuresBy } from '../finance/queries.ts'
import { sumFinance } from '../finance/sum-finance.ts'
import { verifyFinance } from '../finance/verify-finance.ts'
import { recordStatuses } from '../following/record-statuses.ts'
import { type Order, visibleStatus } from '../order.ts'
import { attemptsOf, historyOf } from '../queries.ts'
import { verifyOrders } from '../verify-orders.ts'
import { lockOrders } from '../write-orders.ts'
import { rerouteOrders } from './reroute-orders.ts'

const STAFF = { kind: 'user', user_id: 1n } as const

const refusedWith = (code: RejectionCode): PlaceOutcome => ({ outcome: 'rejected', code, message: 'No.' })
const REFUSED = refusedWith('other')

async function setup({ others = 1 } = {}) {
  const shop = await openShop()
  const service = cheapest(shop)
  const providers = await Promise.all(Array.from({ length: others }, () => addOtherProvider(shop)))
  for (const other of providers) await asSource(shop, other, service)
  const { id: customer } = await shop.customer('1000')
  const record = (order: Order, outcome: PlaceOutcome) => recordPlacements(shop.app, [ended(order, outcome)])
  const claimAt = async (provider_id: bigint) => (await claim(shop, { provider_id })).claimed
  /** The one order that is claimed there, and how its attempt ends. */
  const attempt = async (provider_id: bigint, outcome: PlaceOutcome) => {
    const [order] = await claimAt(provider_id)
    if (!order) throw new Error(`nothing is queued at provider ${provider_id}`)
    await record(order, outcome)
    return orderNow(shop, order.id)
  }
  const [other] = providers
  if (!other) throw new Error('a second provider')
  return { shop, app: shop.app, first: shop.provider_id, other, providers, service, customer, record, claimAt, attempt }
}

const kinds = async (shop: { app: { db: Parameters<typeof historyOf>[0] } }, id: bigint) =>
  (await historyOf(shop.app.db, id)).map(({ kind, to_state }) => `${kind} ${to_state}`)

describe('an order that its source refused', () => {
  test('goes on to the next, at its own price, until none is left: then it waits for a person', async () => {
    const { shop, app, first, providers, service, customer, attempt } = await setup({ others: 2 })
    const [second, third] = providers.map((each) => each.provider_id) as [bigint, bigint]
    await changeOffer(
      shop,
      (await providers[0]?.serviceLike(service))?.id ?? 0n,
      'cost = cost + 1, cost_usd = cost_usd + 1',
    )
    const [order] = (await placed(shop, customer)) as [Order]
    const moved = await attempt(first, REFUSED)
    expect(moved).toMatchObject({ state: 'queued', provider_id: second, charge: order.charge, rate: order.rate })
    expect(moved.expected_cost).not.toBe(order.expected_cost)
    expect(visibleStatus(moved.state)).toBe('Pending')
    expect(await attempt(second, refusedWith('service_not_found'))).toMatchObject({
      state: 'queued',
      provider_id: third,
    })
    expect(await attempt(third, REFUSED)).toMatchObject({ state: 'failed', provider_id: third, reason: 'other' })
    expect(await kinds(shop, order.id)).toEqual([
      'placed queued',
      'sent dispatching',
      'rerouted queued',
      'sent dispatching',
      'rerouted queued',
      'sent dispatching',
      'rejected failed',
    ])
    const [, , step] = await historyOf(app.db, order.id)
    expect(step?.data).toMatchObject({ code: 'other', attempt: 1, to: { provider_id: String(second) } })
    expect((await attemptsOf(app.db, order.id)).map((each) => each.provider_id)).toEqual([first, second, third])
    // Sent again by staff it begins anew.
    await resolveOrder(app, order.id, { kind: 'resend' }, STAFF)
    expect(await attempt(third, REFUSED)).toMatchObject({ state: 'queued', provider_id: first })
    expect(await attempt(first, acceptedAs('77', 5n))).toMatchObject({ state: 'pending', booked_cost: 5n })
    await expectSound(app)
  })

  test('stays for staff where the refusal is of its own input, or may mean that it is placed; and unknown is never sent elsewhere', async () => {
    const { shop, first, customer, attempt } = await setup()
    const codes = ['bad_link', 'quantity_out_of_range', 'bad_parameters', 'duplicate_link'] as const
    for (const code of codes) {
      await placed(shop, customer)
      expect(await attempt(first, refusedWith(code))).toMatchObject({
        state: 'failed',
        provider_id: first,
        reason: code,
      })
    }
    await placed(shop, customer)
    expect(await attempt(first, TIMED_OUT)).toMatchObject({ state: 'unknown', provider_id: first })
    await placed(shop, customer)
    expect(await attempt(first, NOT_SENT)).toMatchObject({ state: 'queued', provider_id: first })
    await expectSound(shop.app)
  })

  test('is not sent at a loss, nor where it does not fit, nor to a provider that is off', async () => {
    const { shop, first, providers, service, customer, attempt } = await setup({ others: 3 })
    const [dear, small, off] = await Promise.all(providers.map((each) => each.serviceLike(service)))
    await changeOffer(shop, dear?.id ?? 0n, `cost_usd = ${service.rate + 1n}`)
    await changeOffer(shop, small?.id ?? 0n, `offered_min = ${service.min + 1n}`)
    await changeStanding(shop, off?.provider_id ?? 0n, 'enabled = false')
    await placed(shop, customer)
    expect(await attempt(first, REFUSED)).toMatchObject({ state: 'failed', provider_id: first })
  })
})

/** What peers do wrong when they go on to another provider, as the field's own code shows. */
describe('what others get wrong', () => {
  /** Sends an order after another, each with its fault at the first provider, and tells where it is then. One shop serves them all: each order is found by its link. */
  async function through(faults: readonly FaultName[]) {
    const { shop, first, other, customer } = await setup()
    const dispatch = (provider_id: bigint) =>
      dispatchOrders(
        shop.app,
        shop.providers,
        newLane(provider_id, () => {}),
        (placement) => recordPlacements(shop.app, [placement]),
      )
    const found: Partial<Record<FaultName, unknown>> = {}
    for (const fault of faults) {
      await shop.control.setFaults({ [fault]: { probability: 1, actions: ['add'] } })
      const [{ id, link }] = (await placed(shop, customer)) as [Order]
      await dispatch(first)
      const state = async () => (await orderNow(shop, id)).state
      await expect.poll(state, { timeout: 15_000, interval: 10 }).not.toBe('dispatching')
      await dispatch(other.provider_id)
      await expect.poll(state, { timeout: 10_000, interval: 10 }).not.toBe('dispatching')
      const [here, there] = await Promise.all([shop.control.allOrders(), other.control.allOrders()])
      const count = (orders: typeof here) => orders.filter((each) => each.link === link).length
      found[fault] = { state: await state(), here: count(here), there: count(there) }
    }
    return found
  }

  test('to take any error for a refusal, and place twice: the order is at the first alone', async () => {
    const alone = { state: 'unknown', here: 1, there: 0 }
    const faults: FaultName[] = ['cut_after', 'http_5xx_after', 'html_after', 'order_missing_after']
    expect(await through(faults)).toEqual(Object.fromEntries(faults.map((fault) => [fault, alone])))
  })

  // After an empty balance the first provider rests.
  test('to stop at a proven refusal: the order is at the second alone', async () => {
    const alone = { state: 'pending', here: 0, there: 1 }
    expect(await through(['wrong_key', 'empty_balance'])).toEqual({ wrong_key: alone, empty_balance: alone })
  })

  test('to send the first provider’s number of the service to the second, and to try the next for the word timeout in a refusal', async () => {
    const { shop, app, first, other, service, customer, attempt } = await setup()
    const source = await other.serviceLike(service)
    await changeOffer(shop, source.id, `provider_service_id = 'b-7'`)
    const [order] = (await placed(shop, customer)) as [Order]
    expect(await attempt(first, REFUSED)).toMatchObject({ provider_id: other.provider_id, provider_service_id: 'b-7' })
    const [claimed] = (await claim(shop, { provider_id: other.provider_id })).claimed
    expect(claimed).toMatchObject({ id: order.id, provider_service_id: 'b-7' })
    expect((await attemptsOf(app.db, order.id)).at(-1)).toMatchObject({ provider_service_id: 'b-7' })
    await placed(shop, customer)
    const body = '{"error":"Provider timeout, try again"}'
    const outcome = readPlaced({ answered: true, status: 200, body }, { currency: 'USD', scale: 6 })
    expect(await attempt(first, outcome)).toMatchObject({ state: 'unknown', provider_id: first })
  })
})

describe('money', () => {
  test('what a source took for an order that had gone elsewhere is booked there, once, and the customer is charged once', async () => {
    const { shop, app, first, other, customer, record, claimAt, attempt } = await setup()
    const before = { first: await shop.prepaid(), other: await other.prepaid() }
    const [order] = (await placed(shop, customer)) as [Order]
    const [lost] = (await claimAt(first)) as [Order]
    await record(lost, TIMED_OUT)
    await resolveOrder(app, order.id, { kind: 'resend' }, STAFF)
    await attempt(first, REFUSED)
    // The same number at both: two orders for two providers.
    await attempt(other.provider_id, acceptedAs('77', 40n))
    await record(lost, acceptedAs('77', 30n))
    await record(lost, acceptedAs('77', 30n))
    expect(await orderNow(shop, order.id)).toMatchObject({
      provider_id: other.provider_id,
      booked_cost: 40n,
      sunk_cost: 0n,
    })
    expect({ first: await shop.prepaid(), other: await other.prepaid() }).toEqual({
      first: before.first - 30n,
      other: before.other - 40n,
    })
    await recordStatuses(app, [{ order_id: order.id, row: told('completed', { charge: 41n, currency: 'USD' }) }])
    expect(await orderNow(shop, order.id)).toMatchObject({
      state: 'completed',
      captured: order.charge,
      booked_cost: 41n,
    })
    expect(await other.prepaid()).toBe(before.other - 41n)
    await expectSound(app)
    // In the sums of finance each cost stands with the provider that took it.
    while ((await sealBlocks(app.db)).movements > 0);
    while ((await sumFinance(app)).more);
    expect(await verifyFinance(app.db)).toEqual([])
    const range = { from: '2000-01-01', to: '2100-01-01' }
    const { rows } = await figuresBy(app, 'provider', range, { order: 'cost', limit: 10, asset: 'USD' })
    const costs = new Map(rows.map(({ id, figures }) => [id, figures[0]?.cost]))
    expect([costs.get(first), costs.get(other.provider_id)]).toEqual([30n, 41n])
  })

  test('what was sunk at a provider stays there when the order leaves it, and is added to when it comes back', async () => {
    const { shop, app, first, other, customer, attempt } = await setup()
    const before = { first: await shop.prepaid(), other: await other.prepaid() }
    const [order] = (await placed(shop, customer)) as [Order]
    await attempt(first, acceptedAs('1', 30n))
    await recordStatuses(app, [{ order_id: order.id, row: told('failed') }])
    await resolveOrder(app, order.id, { kind: 'resend' }, STAFF)
    expect(await attempt(first, REFUSED)).toMatchObject({
      provider_id: other.provider_id,
      booked_cost: 0n,
      sunk_cost: 0n,
    })
    await attempt(other.provider_id, acceptedAs('1', 20n))
    await recordStatuses(app, [{ order_id: order.id, row: told('failed') }])
    await resolveOrder(app, order.id, { kind: 'resend' }, STAFF)
    expect(await attempt(other.provider_id, REFUSED)).toMatchObject({ provider_id: first, booked_cost: 0n })
    await attempt(first, acceptedAs('2', 7n))
    expect({ first: await shop.prepaid(), other: await other.prepaid() }).toEqual({
      first: before.first - 37n,
      other: before.other - 20n,
    })
    // Staff see all of it, beside what the provider that has it now took.
    const shown = await findDeskOrder(app, order.id)
    expect(shown && (await readDeskDetail(app, shown))).toMatchObject({
      booked_cost: '0.000007',
      former_costs: [
        { provider_id: String(first), cost: '0.00003', currency: 'USD' },
        { provider_id: String(other.provider_id), cost: '0.00002', currency: 'USD' },
      ],
    })
    let csv = ''
    for await (const page of exportOrders(app, {})) csv += page
    expect(csv).toMatch(/,"0\.00005 USD"\r\n$/)
    await expectSound(app)
    await app.db.query('update orders.former_cost set cost = cost + 1 where provider_id = $1', [first])
    expect((await verifyOrders(app.db)).problems).toMatchObject([{ check: 'cost', order_id: order.id }])
  })

  test('what a balance does not cover is bought at the other provider, and fails when neither covers it: no order goes round in circles', async () => {
    const { shop, app, first, other, customer } = await setup()
    const [order] = (await placed(shop, customer)) as [Order]
    const poor = { balance: asked(0n), budget: 0n }
    expect(await claim(shop, poor)).toMatchObject({ claimed: [], stopped: 1 })
    expect(await orderNow(shop, order.id)).toMatchObject({
      state: 'queued',
      provider_id: other.provider_id,
      attempts: 1,
    })
    expect(await claim(shop, { ...poor, provider_id: other.provider_id })).toMatchObject({ claimed: [], stopped: 1 })
    expect(await orderNow(shop, order.id)).toMatchObject({
      state: 'failed',
      provider_id: other.provider_id,
      balance_check_status: 'insufficient',
    })
    expect(await attemptsOf(app.db, order.id)).toMatchObject([
      { provider_id: first, state: 'rejected', code: 'insufficient_provider_balance' },
    ])
    await expectSound(app)
  })
})

describe('a provider that is switched off', () => {
  test('gets nothing new, what waits for it is bought elsewhere, and what it has is followed to the end', async () => {
    const { shop, app, first, other, service, customer, attempt, claimAt } = await setup()
    const [at_work] = (await placed(shop, customer)) as [Order]
    await attempt(first, acceptedAs('1', 30n))
    const [sending] = (await placed(shop, customer)) as [Order]
    const [under_way] = (await claimAt(first)) as [Order]
    const waiting = await placed(shop, customer, 3)
    // Of a service with one source alone: it waits.
    const alone = shop.services.find((each) => each.id !== service.id && each.type === 'Default') ?? service
    const [single] = (await placed(shop, customer, 1, { service_id: alone.id, quantity: String(alone.min) })) as [Order]
    await changeStanding(shop, first, 'enabled = false')
    expect(await rerouteOrders(app)).toBe(3)
    expect(await rerouteOrders(app)).toBe(0)
    for (const { id } of waiting)
      expect(await orderNow(shop, id)).toMatchObject({ state: 'queued', provider_id: other.provider_id })
    expect(await orderNow(shop, single.id)).toMatchObject({ state: 'queued', provider_id: first })
    const [fresh] = (await placed(shop, customer)) as [Order]
    expect(fresh).toMatchObject({ provider_id: other.provider_id })
    expect(await orderNow(shop, sending.id)).toMatchObject({ state: 'dispatching', provider_id: first })
    await recordPlacements(app, [ended(under_way, acceptedAs('2', 30n))])
    await recordStatuses(
      app,
      [at_work, sending].map(({ id }) => ({ order_id: id, row: told('completed', { charge: 30n, currency: 'USD' }) })),
    )
    for (const { id } of [at_work, sending])
      expect(await orderNow(shop, id)).toMatchObject({ state: 'completed', provider_id: first })
    expect((await claimAt(other.provider_id)).length).toBe(4)
    await expectSound(app)
  })

  test('the service that it alone listed no longer stays on sale through another, at the same rate', async () => {
    const { shop, app, other, service, customer } = await setup()
    await changeOffer(shop, service.id, `active = false, offer_gap = 'vanished', deactivated_reason = 'vanished'`)
    const sold = (await servicesByIds(app, [service.id])).get(service.id)
    expect(sold).toMatchObject({ active: true, rate: service.rate })
    const [order] = (await placed(shop, customer)) as [Order]
    expect(order).toMatchObject({ provider_id: other.provider_id, service_id: service.id, rate: service.rate })
  })
})

test('by weight orders go where the weights say, and cost the customer the same', async () => {
  const { shop, app, first, other, service, customer } = await setup()
  const source = await other.serviceLike(service)
  await setStrategy(app, { service_id: service.id, strategy: 'weighted' })
  await setSource(app, { service_id: service.id, source_id: source.id, weight: 9 })
  const orders = await placed(shop, customer, 200)
  const there = orders.filter((order) => order.provider_id === other.provider_id).length
  // Of 200 by nine tenths; fewer than 150 or all come once in a thousand million runs.
  expect(there).toBeGreaterThan(150)
  expect(there).toBeLessThan(200)
  expect(orders.filter((order) => order.provider_id === first)).toHaveLength(200 - there)
  expect(new Set(orders.map((order) => order.charge)).size).toBe(1)
})

describe('at once', () => {
  test('two who record one refusal move the order once', async () => {
    const { shop, app, first, other, customer, claimAt } = await setup()
    await placed(shop, customer)
    const [order] = (await claimAt(first)) as [Order]
    const told = () => recordPlacements(app, [ended(order, REFUSED)])
    await atBarrier(app.db, (tx) => lockOrders(tx, [order.id]), [told, told])
    expect(await orderNow(shop, order.id)).toMatchObject({
      state: 'queued',
      provider_id: other.provider_id,
      version: 3n,
    })
    await expectSound(app)
  })

  test('a source that staff take away while an order goes on to it: the order is there or waits for staff, and is nowhere twice', async () => {
    const { shop, app, first, other, service, customer, claimAt } = await setup()
    await placed(shop, customer)
    const [order] = (await claimAt(first)) as [Order]
    const source = await other.serviceLike(service)
    await atBarrier(
      app.db,
      async (tx) => {
        await lockOrders(tx, [order.id])
        await tx.query('select from catalog.service where id = $1 for update', [service.id])
      },
      [
        () => recordPlacements(app, [ended(order, REFUSED)]),
        () => removeSource(app, { service_id: service.id, source_id: source.id }),
      ],
    )
    expect(await orderNow(shop, order.id)).toMatchObject({ state: 'queued', provider_id: other.provider_id })
    // Where it is it is tried, and then there is no other.
    const [again] = (await claimAt(other.provider_id)) as [Order]
    await recordPlacements(app, [ended(again, REFUSED)])
    expect(await orderNow(shop, order.id)).toMatchObject({ state: 'failed' })
    await expectSound(app)
  })

  test('an order that is claimed is not moved, and two who move what waits move each once', async () => {
    const { shop, app, first, other, customer } = await setup()
    await placed(shop, customer, 20)
    await changeStanding(shop, first, 'enabled = false')
    const [claimed, ...moved] = await Promise.all([claim(shop, { room: 5 }), rerouteOrders(app), rerouteOrders(app)])
    const left = await rerouteOrders(app)
    expect(claimed.claimed.length + (moved[0] ?? 0) + (moved[1] ?? 0) + left).toBe(20)
    const there = await app.db.query('select from orders.orders where provider_id = $1', [other.provider_id])
    expect(there).toHaveLength(20 - claimed.claimed.length)
    await expectSound(app)
  })
})
