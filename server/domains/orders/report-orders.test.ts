import { expect, test } from 'vitest'
import { claimed, placed } from '#test/support/order-book.ts'
import { openShop } from '#test/support/shop.ts'
import { reportOrders } from './report-orders.ts'

async function figures(shop: Awaited<ReturnType<typeof openShop>>) {
  const told = await reportOrders(shop.app.db)
  return Object.fromEntries(told.map(({ kind, state, stage, depth }) => [`${kind} ${state} ${stage}`, depth]))
}

const NONE = {
  'dispatch queued ready': 0,
  'dispatch dispatching running': 0,
  'dispatch scheduled later': 0,
  'dispatch failed stuck': 0,
  'dispatch unknown stuck': 0,
  'follow due ready': 0,
  'follow later later': 0,
}

test('each order is told in the queue in which it waits, and a state without one as none', async () => {
  const shop = await openShop()
  expect(await figures(shop)).toEqual(NONE)
  const { id: customer } = await shop.customer()
  const one = await claimed(shop, customer)
  const other = await claimed(shop, customer)
  const third = await claimed(shop, customer)
  await placed(shop, customer, 2)
  const { db } = shop.app
  await db.query(
    `update orders.orders set state = 'unknown', claimed_until = null, reason = 'interrupted' where id = $1`,
    [one.id],
  )
  const open = `update orders.orders set state = 'pending', claimed_until = null, provider_order_id = id::text, accepted_at = now(),
    next_check_at = now() + $2 * interval '1 second' where id = $1`
  await db.query(open, [other.id, -30])
  await db.query(open, [third.id, 30])
  expect(await figures(shop)).toEqual({
    ...NONE,
    'dispatch queued ready': 2,
    'dispatch unknown stuck': 1,
    'follow due ready': 1,
    'follow later later': 1,
  })
  const due = (await reportOrders(db)).find((each) => each.state === 'due')
  const waited_s = (Date.now() - (due?.oldest_at?.getTime() ?? 0)) / 1000
  expect(Math.round(waited_s / 10)).toBe(3)
})
