import { expect, test } from 'vitest'
import { AMOUNT_MAX } from '#server/kit/money.ts'
import { openShop } from '#test/support/shop.ts'
import { openCustomerReads } from './customer-reads.ts'
import { placeOrders } from './placing/place-orders.ts'

/** A shop with customers, each of whom has placed so many orders, and the ids of those by customer. */
async function setup(orders: readonly number[]) {
  const shop = await openShop()
  const service = shop.service('Default')
  const customers = await Promise.all(orders.map(() => shop.customer('50')))
  const wanted = orders.flatMap((count, i) =>
    Array.from({ length: count }, (_, n) => ({
      customer_id: customers[i]?.id as bigint,
      service_id: service.id,
      link: `https://example.com/${i}/${n}`,
      quantity: String(service.min),
    })),
  )
  const outcomes = await placeOrders(shop.app, wanted)
  const placed = outcomes.map((outcome, i) => {
    if (!outcome.ok) throw new Error(`refused: ${outcome.refusal.code}`)
    return { ...wanted[i], id: outcome.order_id }
  })
  const ids = customers.map(({ id }) => placed.filter((order) => order.customer_id === id).map((order) => order.id))
  return { shop, reads: openCustomerReads(shop.app.db), customers: customers.map(({ id }) => id), ids }
}

test('reads of many customers at once share queries, and each gets their own', async () => {
  const { shop, reads, customers, ids } = await setup([3, 0, 7, 1, 5])
  let queries = 0
  const { db } = shop.app
  const counted = openCustomerReads({
    ...db,
    query: (sql, values) => {
      queries += 1
      return db.query(sql, values)
    },
  })
  const pages = await Promise.all(customers.map((id) => counted.page(id, AMOUNT_MAX, 5)))
  expect(pages.map((page) => page.orders.map((order) => order.id))).toEqual(
    ids.map((own) => own.toReversed().slice(0, 5)),
  )
  expect(pages.map((page) => page.has_more)).toEqual([false, false, true, false, false])
  const balances = await Promise.all(customers.map((id) => counted.balance(id)))
  expect(balances.map((balance) => balance.posted)).toEqual(customers.map(() => 50_000_000n))
  expect(balances.map((balance) => balance.version)).toEqual([4n, 1n, 8n, 2n, 6n])
  expect(queries).toBe(2)
  // Everyone asks for every order, own or not.
  const all = ids.flat()
  const asked = customers.flatMap((customer) => all.map((id) => ({ customer, id })))
  const found = await Promise.all(asked.map(({ customer, id }) => reads.order(customer, id)))
  for (const [i, { customer, id }] of asked.entries()) {
    const own = ids[customers.indexOf(customer)]?.includes(id)
    expect([id, found[i]?.order.id]).toEqual([id, own ? id : undefined])
    if (own) expect(found[i]?.states.map((step) => step.to_state)).toEqual(['queued'])
  }
})

test('pages follow one another without a gap, and the same read may be asked twice at once', async () => {
  const { reads, customers, ids } = await setup([5])
  const [customer] = customers as [bigint]
  const [first, again] = await Promise.all([reads.page(customer, AMOUNT_MAX, 2), reads.page(customer, AMOUNT_MAX, 2)])
  const idsOf = (page?: { orders: { id: bigint }[] }) => page?.orders.map((order) => order.id)
  expect([idsOf(first), first?.has_more]).toEqual([idsOf(again), again?.has_more])
  const second = await reads.page(customer, first?.orders.at(-1)?.id as bigint, 2)
  const third = await reads.page(customer, second.orders.at(-1)?.id as bigint, 2)
  expect([[first, second, third].flatMap(idsOf), third.has_more]).toEqual([ids[0]?.toReversed(), false])
})

test('one who never had money has an empty balance, and too many readers are told so', async () => {
  const { reads, customers } = await setup([1])
  expect(await reads.balance(999_999n)).toEqual({ posted: 0n, held: 0n, available: 0n, version: 0n })
  const flood = await Promise.allSettled(Array.from({ length: 5_500 }, () => reads.balance(customers[0] as bigint)))
  const refused = flood.filter((each) => each.status === 'rejected')
  expect(refused.length).toBeGreaterThan(0)
  expect(new Set(refused.map((each) => each.reason.code))).toEqual(new Set(['busy']))
})
