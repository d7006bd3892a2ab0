import { expect, onTestFinished, test } from 'vitest'
import { BusyError } from '#server/domains/identity/errors.ts'
import { KeyUse } from '#server/domains/identity/keys/key-use.ts'
import { openShop } from '#test/support/shop.ts'
import { openPlaceOrder } from './place-order.ts'

test('callers at once share transactions, and one too many is told that nothing was begun', async () => {
  const shop = await openShop()
  const customer = await shop.customer('100000')
  const use = new KeyUse(shop.app)
  onTestFinished(() => use.close())
  const placeOrder = openPlaceOrder(shop.app, use)
  const input = { customer_id: customer.id, service_id: shop.service('Package').id, link: 'https://example.com/a' }
  const count = 6_000
  const outcomes = await Promise.allSettled(Array.from({ length: count }, () => placeOrder(input)))
  const placed = outcomes.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
  const refused = outcomes.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []))
  expect(placed.every((each) => each.ok)).toBe(true)
  expect(refused.length).toBeGreaterThan(0)
  expect(refused.every((reason) => reason instanceof BusyError)).toBe(true)
  const [stored] = await shop.app.db.query<{ orders: bigint; transactions: bigint }>(
    'select count(*) as orders, count(distinct xmin::text) as transactions from orders.orders',
  )
  expect(stored?.orders).toBe(BigInt(placed.length))
  expect(stored?.transactions).toBeLessThan(20n)
})
