import { expect, test } from 'vitest'
import { editService } from '#server/domains/catalog/edit-service.ts'
import { atBarrier } from '#test/support/barrier.ts'
import { anOrder, claim, expectSound, orderNow } from '#test/support/order-book.ts'
import { openShop } from '#test/support/shop.ts'
import { resolveOrder } from '../desk/resolve-order.ts'
import { recordPlacements } from '../dispatching/record-placements.ts'
import { type PlaceOutcome, placeOrders } from './place-orders.ts'
import type { PlaceOrder } from './placement.ts'

const LINK = 'https://example.com/the-link'

/** A service that takes one order for a link at a time, and two customers. */
async function setup() {
  const shop = await openShop({ provider: { enabled: false } })
  const [ada, grace] = [await shop.customer(), await shop.customer()]
  const service = shop.service('Package')
  await editService(shop.app, { service_id: service.id, duplicate_links: 'refuse' })
  const order = (customer: { id: bigint }, changes: Partial<PlaceOrder> = {}): PlaceOrder => ({
    ...{ customer_id: customer.id, service_id: service.id, link: LINK },
    ...changes,
  })
  return { shop, ada, grace, service, order }
}

const codes = (outcomes: readonly PlaceOutcome[]) =>
  outcomes.map((outcome) => (outcome.ok ? (outcome.replayed ? 'again' : 'ok') : outcome.refusal.code))

test('while an order for a link is under way nobody gets another one for it, and its end frees the link', async () => {
  const { shop, ada, grace, service, order } = await setup()
  const { app } = shop
  const [first] = await placeOrders(app, [order(ada, { request_key: 'k' })])
  if (!first?.ok) throw new Error(first?.refusal.message)
  const before = await shop.wallet(grace.id)
  const again = [order(grace, { request_key: 'g' }), order(ada), order(ada, { link: ` ${LINK} ` })]
  expect(codes(await placeOrders(app, again))).toEqual(Array(3).fill('link_under_way'))
  expect(await shop.wallet(grace.id)).toEqual(before)
  // Other links, other services, and the same request once more are no second order for it.
  const others = [
    order(grace, { link: `${LINK}/2` }),
    anOrder(shop, grace.id, { link: LINK }),
    order(ada, { request_key: 'k' }),
  ]
  expect(codes(await placeOrders(app, others))).toEqual(['ok', 'ok', 'again'])

  // A refused order is under way as long as its money is held.
  const [taken] = (await claim(shop)).claimed.filter(({ id }) => id === first.order_id)
  const outcome = { outcome: 'rejected', code: 'bad_link', message: 'Bad link' } as const
  await recordPlacements(app, [{ order_id: first.order_id, key: taken?.attempt ?? '', outcome }])
  expect((await orderNow(shop, first.order_id)).state).toBe('failed')
  expect(codes(await placeOrders(app, [order(grace)]))).toEqual(['link_under_way'])
  await resolveOrder(app, first.order_id, { kind: 'refund' }, { kind: 'system' })
  expect(codes(await placeOrders(app, again.slice(0, 2)))).toEqual(['ok', 'link_under_way'])

  await editService(app, { service_id: service.id, duplicate_links: 'allow' })
  expect(codes(await placeOrders(app, [order(ada), order(ada)]))).toEqual(['ok', 'ok'])
  await expectSound(app)
})

test('of two customers who want a link at the same moment one gets it', async () => {
  const { shop, ada, grace, service, order } = await setup()
  const raced = await atBarrier(
    shop.app.db,
    (tx) => tx.query(`select pg_advisory_xact_lock(7252044, hashtext($1 || ' ' || $2))`, [String(service.id), LINK]),
    [ada, grace].map((customer) => () => placeOrders(shop.app, [order(customer)])),
  )
  expect(codes(raced.flat()).sort()).toEqual(['link_under_way', 'ok'])
  await expectSound(shop.app)
})

test('within a batch the first that can be paid gets the link, and those who want many in opposite order do not stop each other', async () => {
  const { shop, ada, grace, order } = await setup()
  const poor = await shop.customer('0')
  expect(codes(await placeOrders(shop.app, [order(poor), order(ada), order(grace)]))).toEqual([
    'insufficient_funds',
    'ok',
    'link_under_way',
  ])
  const links = Array.from({ length: 8 }, (_, i) => `${LINK}/${i}`)
  const raced = await Promise.all(
    [links, [...links].reverse()].map((each, i) =>
      placeOrders(
        shop.app,
        each.map((link) => order(i === 0 ? ada : grace, { link })),
      ),
    ),
  )
  expect(codes(raced.flat()).filter((code) => code === 'ok')).toHaveLength(links.length)
  await expectSound(shop.app)
})
