import { expect, test } from 'vitest'
import { saleAmount } from '#server/domains/catalog/sale-amount.ts'
import { InvariantError } from '#server/kit/invariant.ts'
import type { App } from '#server/platform/app.ts'
import { publishFresh } from '#server/platform/outbox/publish-events.ts'
import { on } from '#server/platform/outbox/subscription.ts'
import {
  acceptedAs,
  anOrder,
  claim,
  dripFed,
  ended,
  orderNow,
  placed,
  REFUSED,
  TIMED_OUT,
  told,
} from '#test/support/order-book.ts'
import { openShop, type Shop } from '#test/support/shop.ts'
import { cancelOrders } from './cancelling/cancel-orders.ts'
import { resubmitOrders } from './desk/resubmit-orders.ts'
import { recordPlacements } from './dispatching/record-placements.ts'
import { emitOrders } from './emit-orders.ts'
import {
  type BalanceTold,
  balancesMoved,
  type OrderStepTold,
  ordersForwarded,
  ordersPlaced,
  ordersProgressed,
  ordersResubmitted,
  ordersSettled,
  ordersStopped,
} from './events.ts'
import { recordStatuses } from './following/record-statuses.ts'
import { orderSubscriptions } from './jobs.ts'
import type { Order } from './order.ts'
import { statusView } from './order-views.ts'
import { placeOrders } from './placing/place-orders.ts'

const TELLING = [ordersPlaced, ordersForwarded, ordersStopped, ordersProgressed, ordersSettled, ordersResubmitted]

/** Publishes all there is, and answers what was told of orders since the last time. */
function listener(app: App) {
  let heard: (OrderStepTold & { type: string })[] = []
  const subscriptions = TELLING.map((event) =>
    on(event, async (_tx, _app, events) => {
      heard.push(...events.flatMap(({ type, payload }) => payload.orders.map((order) => ({ type, ...order }))))
    }),
  )
  return async () => {
    while (await publishFresh(app, subscriptions));
    const all = heard
    heard = []
    return all
  }
}

async function setup() {
  const shop = await openShop()
  const { id } = await shop.customer()
  return { shop, app: shop.app, customer: id, heard: listener(shop.app) }
}

/** The provider calls the order this. */
const tell = (shop: Shop, order: Order, row: ReturnType<typeof told>) =>
  recordStatuses(shop.app, [{ order_id: order.id, row }])

test('a customer is shown what they see, at each step that changes it, as their own doors show it', async () => {
  const { shop, app, customer, heard } = await setup()
  const [order] = (await placed(shop, customer, 1, { request_key: 'mine-1' })) as [Order]
  const first = await heard()
  expect(first).toMatchObject([{ type: 'orders.placed', order_id: order.id, version: 1n }])
  expect(first[0]?.shown).toEqual({
    status: 'Pending',
    charge: saleAmount(order.charge),
    currency: 'USD',
    start_count: null,
    remains: String(order.quantity),
    service: String(order.service_id),
    quantity: String(order.quantity),
    request_id: 'mine-1',
    drip_feed: null,
    run: null,
    subscription: null,
    post: null,
  })
  const [claimed] = (await claim(shop)).claimed as [Order]
  await recordPlacements(app, [ended(claimed, acceptedAs('p1'))])
  expect((await heard()).map(({ type, shown }) => [type, shown])).toEqual([['orders.forwarded', undefined]])
  await tell(shop, order, told('in_progress', { start_count: 12n, remains: 40n }))
  await tell(shop, order, told('completed', { start_count: 12n, remains: 0n }))
  const later = await heard()
  expect(later.map(({ type, shown }) => [type, shown?.status, shown?.start_count, shown?.remains])).toEqual([
    ['orders.progressed', 'In progress', '12', '40'],
    ['orders.settled', 'Completed', '12', '0'],
  ])
  const { id: _, version, ...shown } = statusView(await orderNow(shop, order.id))
  expect(later.at(-1)).toMatchObject({ shown, version: BigInt(version) })
})

test('what happens within is shown to no customer: refused, of unknown fate, sent again', async () => {
  const { shop, app, customer, heard } = await setup()
  const [order] = (await placed(shop, customer)) as [Order]
  const attempt = async (outcome: Parameters<typeof ended>[1]) => {
    const [claimed] = (await claim(shop)).claimed as [Order]
    await recordPlacements(app, [ended(claimed, outcome)])
  }
  await heard()
  await attempt(REFUSED)
  expect((await orderNow(shop, order.id)).state).toBe('failed')
  await resubmitOrders(app, shop.providers, [order.id], { kind: 'user', user_id: 1n })
  await attempt(TIMED_OUT)
  expect((await orderNow(shop, order.id)).state).toBe('unknown')
  const steps = await heard()
  expect(steps.map(({ type }) => type)).toEqual(['orders.stopped', 'orders.stopped', 'orders.resubmitted'])
  expect(steps.map(({ shown }) => shown)).toEqual([undefined, undefined, undefined])
})

test('of a run its customer is told which one of which drip-feed it is, at each step', async () => {
  const { shop, app, customer, heard } = await setup()
  const rhythm = { runs: '2', interval: '60', service_id: dripFed(shop).id }
  await placeOrders(app, [anOrder(shop, customer, rhythm)])
  const runs = await app.db.query<Order>('select id, drip_feed_id from orders.orders order by run')
  const named = async () => (await heard()).flatMap(({ shown }) => (shown ? [[shown.drip_feed, shown.run]] : []))
  const feed = String(runs[0]?.drip_feed_id)
  expect(await named()).toEqual([
    [feed, '1'],
    [feed, '2'],
  ])
  await cancelOrders(app, [runs[1]?.id as bigint], { customer_id: customer })
  expect(await named()).toEqual([[feed, '2']])
})

test('an order that its provider gives up is pending again to its customer, and no more is told', async () => {
  const { shop, app, customer, heard } = await setup()
  const [order] = (await placed(shop, customer)) as [Order]
  const [claimed] = (await claim(shop)).claimed as [Order]
  await recordPlacements(app, [ended(claimed, acceptedAs('p1'))])
  await tell(shop, order, told('processing'))
  await heard()
  await tell(shop, order, told('failed'))
  expect((await orderNow(shop, order.id)).state).toBe('failed')
  const [step] = await heard()
  expect(step?.shown).toMatchObject({ status: 'Pending' })
  expect(JSON.stringify(step?.shown)).not.toMatch(/fail|error|provider|reject/i)
})

test('balances are told once a customer, however many of their orders are published together', async () => {
  const { shop, app, customer } = await setup()
  const { id: other } = await shop.customer('7')
  const told_balances: BalanceTold[][] = []
  const subscriptions = [
    ...orderSubscriptions(() => {}),
    on(balancesMoved, async (_tx, _app, events) => {
      told_balances.push(events.flatMap(({ payload }) => payload.wallets))
    }),
  ]
  const charge = (await placed(shop, customer, 5)).reduce((sum, order) => sum + order.charge, 0n)
  const [single] = (await placed(shop, other)) as [Order]
  while (await publishFresh(app, subscriptions));
  await publishFresh(app, subscriptions)
  const held = (minor: bigint) => ({ held: saleAmount(minor), currency: 'USD' })
  expect(told_balances).toEqual([
    [
      {
        ...held(charge),
        customer_id: customer,
        balance: '100.00',
        available: saleAmount(100_000_000n - charge),
        version: 6n,
      },
      {
        ...held(single.charge),
        customer_id: other,
        balance: '7.00',
        available: saleAmount(7_000_000n - single.charge),
        version: 2n,
      },
    ],
  ])
})

test('orders with the longest of everything fit into their events, and all are told', async () => {
  const { app, heard } = await setup()
  const biggest = 2n ** 63n - 1n
  const longest: OrderStepTold = {
    order_id: biggest,
    customer_id: biggest,
    provider_id: biggest,
    state: 'in_progress',
    version: biggest,
    shown: {
      status: 'In progress',
      charge: '9223372036854.775807',
      currency: 'ABCDEFGHIJ',
      start_count: String(-biggest),
      remains: String(biggest),
      service: String(biggest),
      quantity: String(biggest),
      request_id: '\u0001'.repeat(128),
      drip_feed: String(biggest),
      run: '1000',
      subscription: String(biggest),
      post: '1000',
    },
  }
  const plain = { ...longest, shown: undefined }
  await app.db.transaction(async (tx) => {
    emitOrders(tx, ordersProgressed, [...Array(1_000).fill(longest), ...Array(1_000).fill(plain)])
    emitOrders(tx, ordersProgressed, [])
  })
  expect(await heard()).toHaveLength(2_000)
  const beyond = { ...longest, shown: { ...longest.shown, request_id: 'x'.repeat(70_000) } } as OrderStepTold
  await expect(app.db.transaction(async (tx) => emitOrders(tx, ordersProgressed, [beyond]))).rejects.toThrow(
    InvariantError,
  )
})
