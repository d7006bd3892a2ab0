import { expect, test } from 'vitest'
import { openDoors } from '#test/support/doors.ts'
import { anOrder, claimed, dispatched, dripFed, orderNow, REFUSED, TIMED_OUT, told } from '#test/support/order-book.ts'
import type { Shop } from '#test/support/shop.ts'
import { recordStatuses } from '../following/record-statuses.ts'
import { ORDER_STATES, type Order, type OrderState, VISIBLE_STATUSES, visibleStatus } from '../order.ts'
import { placeOrders } from '../placing/place-orders.ts'

/** How an order comes to stand in each state, by the verbs that bring it there. */
const WAYS: Record<OrderState, (shop: Shop, customer: bigint) => Promise<Order>> = {
  failed: (shop, customer) => dispatched(shop, customer, REFUSED),
  unknown: (shop, customer) => dispatched(shop, customer, TIMED_OUT),
  pending: dispatched,
  processing: followed('processing'),
  in_progress: followed('in_progress'),
  completed: followed('completed'),
  partial: followed('partial'),
  cancelled: followed('cancelled'),
  dispatching: claimed,
  // Last, for the ways above claim whatever is queued: the runs of a drip-feed, one due at once and one later.
  scheduled: async (shop, customer) => {
    const order = anOrder(shop, customer, { service_id: dripFed(shop).id, quantity: '100', runs: '2', interval: '60' })
    await placeOrders(shop.app, [order])
    return inState(shop, 'scheduled')
  },
  queued: (shop) => inState(shop, 'queued'),
}

async function inState(shop: Shop, state: OrderState): Promise<Order> {
  const [row] = await shop.app.db.query<{ id: bigint }>('select id from orders.orders where state = $1', [state])
  return orderNow(shop, row?.id ?? 0n)
}

function followed(status: 'processing' | 'in_progress' | 'completed' | 'partial' | 'cancelled') {
  return async (shop: Shop, customer: bigint) => {
    const order = await dispatched(shop, customer)
    const row = told(status, { remains: status === 'partial' ? 40n : undefined, charge: 1n })
    await recordStatuses(shop.app, [{ order_id: order.id, row }])
    return order
  }
}

/** Words of the inner life, none of which a customer may read: states that are not theirs, reasons, and whatever is of a provider. */
const INNER =
  /scheduled|not_before|failed|unknown|queued|dispatch|insufficient|resubmit|waiting|reason|detail|bad.?link|timeout|provider|cost|attempt/i

test('whatever state an order is in, no door of its customer tells more than what they are to see', async () => {
  const { shop, url, customer } = await openDoors()
  const { id: customer_id, key } = await customer()
  const orders = new Map<OrderState, Order>()
  for (const [state, way] of Object.entries(WAYS) as [OrderState, (typeof WAYS)[OrderState]][]) {
    orders.set(state, await way(shop, customer_id))
  }
  for (const [state, { id }] of orders) expect([state, (await orderNow(shop, id)).state]).toEqual([state, state])
  expect([...orders.keys()].sort()).toEqual([...ORDER_STATES].sort())

  const heard: string[] = []
  const read = async (path: string, form?: Record<string, string>) => {
    const body = form && new URLSearchParams({ key, ...form })
    const response = await fetch(url + path, { headers: { 'x-api-key': key }, ...(body && { method: 'POST', body }) })
    const text = await response.text()
    if (response.ok) heard.push(text, response.headers.get('link') ?? '')
    return { status: response.status, body: JSON.parse(text) }
  }
  const ids = [...orders.values()].map(({ id }) => String(id))

  for (const [state, { id }] of orders) {
    const status = visibleStatus(state)
    expect((await read(`/api/v1/order/${id}`)).body).toMatchObject({ status })
    expect((await read(`/api/v1/status?order=${id}`)).body.data).toMatchObject([{ status }])
    expect((await read(`/api/orders/user-status/${id}`)).body).toMatchObject({ user_visible_status: status })
    expect((await read('/api/v2', { action: 'status', order: String(id) })).body).toMatchObject({ status })
  }
  const multi = (await read('/api/v2', { action: 'status', orders: ids.join(',') })).body
  for (const [state, { id }] of orders) expect(multi[String(id)]).toMatchObject({ status: visibleStatus(state) })

  for (const path of ['/api/v1/orders', '/api/user/orders']) {
    const seen: { id: string; status: string }[] = (await read(`${path}?limit=100`)).body.data
    expect(seen.map((order) => order.id).sort()).toEqual([...ids].sort())
    // A filter finds exactly what shows its word.
    for (const status of VISIBLE_STATUSES) {
      const found: { id: string }[] = (await read(`${path}?status=${status}`)).body.data
      expect(found.map((order) => order.id)).toEqual(
        seen.filter((order) => order.status === status).map(({ id }) => id),
      )
    }
    // The states themselves are no words here: asking for one is refused, not answered with an empty list that tells it exists.
    for (const state of ORDER_STATES) expect((await read(`${path}?status=${state}`)).status).toBe(400)
  }
  await read('/api/v1/refills')
  for (const status of [undefined, ...VISIBLE_STATUSES]) {
    const response = await fetch(`${url}/api/v1/orders.csv${status ? `?status=${status}` : ''}`, {
      headers: { 'x-api-key': key },
    })
    const text = await response.text()
    heard.push(text)
    const rows = text
      .trim()
      .split('\r\n')
      .slice(1)
      .map((line) => line.split(',').slice(0, 2))
    const wanted = [...orders].filter(([state]) => status === undefined || visibleStatus(state) === status)
    expect(rows.sort()).toEqual(wanted.map(([state, { id }]) => [`"${id}"`, `"${visibleStatus(state)}"`]).sort())
  }
  expect((await fetch(`${url}/api/v1/orders.csv?status=failed`, { headers: { 'x-api-key': key } })).status).toBe(400)
  const { drip_feed_id } = orders.get('scheduled') as Order
  expect((await read(`/api/v1/order/${drip_feed_id}`)).body).toMatchObject({ status: 'Pending', runs: 2 })
  expect((await read('/api/v1/drip-feeds')).body.data).toMatchObject([{ id: String(drip_feed_id), status: 'Pending' }])
  expect((await read('/api/v2', { action: 'status', order: String(drip_feed_id) })).body).toMatchObject({
    status: 'Pending',
  })
  await read('/api/v1/balance')
  await read('/api/v1/messages')
  expect(heard.filter((text) => INNER.test(text))).toEqual([])

  // What leaves by itself, events for webhooks, messages and pages, is made of `shown` alone.
  const events = await shop.app.db.query<{ payload: { orders?: { shown?: unknown }[] } }>(
    `select payload from platform.outbox where type like 'orders.%'`,
  )
  const shown = events.flatMap(({ payload }) => (payload.orders ?? []).flatMap((order) => order.shown ?? []))
  expect(shown.length).toBeGreaterThan(ORDER_STATES.length)
  expect(shown.map((each) => JSON.stringify(each)).filter((text) => INNER.test(text))).toEqual([])
})
