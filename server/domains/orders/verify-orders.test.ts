import { expect, test } from 'vitest'
import { acceptedAs, claim, claimed, dispatched, placed, TIMED_OUT, told } from '#test/support/order-book.ts'
import { openShop, type Shop } from '#test/support/shop.ts'
import { recordStatuses } from './following/record-statuses.ts'
import type { Order } from './order.ts'
import { verifyOrders } from './verify-orders.ts'

/** Orders in many states, all of them sound. The last is completed, the others are not. */
async function setup() {
  const shop = await openShop()
  const { id: customer } = await shop.customer()
  await dispatched(shop, customer, TIMED_OUT)
  await dispatched(shop, customer, acceptedAs('77'))
  const partial = await dispatched(shop, customer, acceptedAs('78'))
  const completed = await dispatched(shop, customer, acceptedAs('79'))
  await recordStatuses(shop.app, [
    { order_id: partial.id, row: told('partial', { remains: 7n, charge: 5n }) },
    { order_id: completed.id, row: told('completed', { charge: 5n }) },
  ])
  await claimed(shop, customer)
  const [queued] = (await placed(shop, customer)) as [Order]
  return { shop, customer, completed, queued }
}

/** What someone with access to the database might do, past every verb. */
async function tamper(shop: Shop, sql: string, id?: bigint): Promise<void> {
  await shop.app.db.transaction(async (tx) => {
    await tx.query('set local session_replication_role = replica')
    await tx.query(sql, id === undefined ? [] : [id])
  })
}

test('sound orders in every state have no problem', async () => {
  const { shop } = await setup()
  expect(await verifyOrders(shop.app.db)).toEqual({ orders: 6n, problems: [] })
})

test.each([
  ['hold', 'update orders.orders set hold = -1 where id = $1'],
  ['hold', 'update ledger.hold set captured = captured - 1, released = released + 1 where subject_id = $1'],
  ['hold', 'update orders.orders set charge = charge + 1, captured = captured + 1 where id = $1'],
  ['wallet', 'update orders.orders set customer_id = customer_id + 1 where id = $1'],
  [
    'revenue',
    `update ledger.transfer set credit = debit, debit = credit where reason = 'order.capture' and subject_id = $1`,
  ],
  ['cost', 'update orders.orders set booked_cost = booked_cost + 1 where id = $1'],
  ['cost', `delete from ledger.transfer where reason = 'order.cost' and subject_id = $1`],
  ['cost', `update ledger.transfer set amount = amount * 2 where reason = 'order.cost' and subject_id = $1`],
  ['history', `delete from orders.order_event where kind = 'settled' and order_id = $1`],
  ['history', `delete from orders.order_event where kind = 'sent' and order_id = $1`],
  ['history', `delete from orders.order_event where kind = 'placed' and order_id = $1`],
  ['history', `update orders.orders set state = 'partial' where id = $1`],
  ['history', 'update orders.orders set version = 2 where id = $1'],
  ['attempts', 'delete from orders.attempt where order_id = $1'],
  ['attempts', 'update orders.orders set attempts = 2 where id = $1'],
  [
    'attempts',
    `update orders.attempt set state = 'sent', provider_order_id = null, ended_at = null where order_id = $1`,
  ],
  ['drip_feeds', 'update orders.orders set drip_feed_id = 1000000, run = 1 where id = $1'],
  ['placed_twice', `update orders.attempt set provider_order_id = '77' where order_id = $1`],
])('%s: the order is named after %s', async (check, sql) => {
  const { shop, completed } = await setup()
  await tamper(shop, sql, completed.id)
  const { problems } = await verifyOrders(shop.app.db)
  expect(problems).toContainEqual({ check, order_id: completed.id, what: expect.any(String) })
})

test('a hold whose order is gone, and money moved for an order that never was', async () => {
  const { shop, queued, completed } = await setup()
  await tamper(shop, 'delete from orders.orders where id = $1', queued.id)
  const { problems } = await verifyOrders(shop.app.db)
  expect(problems.map(({ check, order_id }) => [check, order_id])).toEqual([
    ['orphan_hold', queued.id],
    ['history', queued.id],
  ])
  await tamper(shop, 'delete from orders.orders where id = $1', completed.id)
  const checks = (await verifyOrders(shop.app.db)).problems.map(({ check }) => check)
  expect(checks).toEqual(expect.arrayContaining(['revenue', 'cost']))
})

test('of several wrong orders the first is named', async () => {
  const { shop } = await setup()
  const { claimed: orders } = await claim(shop)
  const first = await shop.app.db.query<{ id: bigint }>('select min(id) as id from orders.orders')
  await tamper(shop, 'update orders.orders set hold = -id')
  expect(orders).toHaveLength(1)
  expect((await verifyOrders(shop.app.db)).problems).toContainEqual(
    expect.objectContaining({ check: 'hold', order_id: first[0]?.id }),
  )
})
