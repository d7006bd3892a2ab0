import { expect, test } from 'vitest'
import { openDoors } from '#test/support/doors.ts'
import { acceptedAs, claim, dripFed, ended } from '#test/support/order-book.ts'
import { staffWith } from '#test/support/staff.ts'
import { recordPlacements } from '../dispatching/record-placements.ts'

/** A door with a customer, who orders three runs, an hour apart, of a service at 0.03692 each piece. */
async function setup() {
  const doors = await openDoors()
  const { key } = await doors.customer('100')
  const service = String(dripFed(doors.shop).id)
  const panel = async (fields: Record<string, string>) => {
    const response = await fetch(`${doors.url}/api/v2`, {
      method: 'POST',
      body: new URLSearchParams({ key, ...fields }),
    })
    return JSON.parse(await response.text())
  }
  const rest = async (method: string, path: string, body?: object) => {
    const headers = { 'x-api-key': key, ...(body && { 'content-type': 'application/json' }) }
    const response = await fetch(doors.url + path, { method, headers, ...(body && { body: JSON.stringify(body) }) })
    return { status: response.status, body: JSON.parse(await response.text()) }
  }
  const add = { action: 'add', service, link: 'https://example.com/flyer', quantity: '100', runs: '3', interval: '60' }
  return { doors, shop: doors.shop, service, panel, rest, add }
}

test('a drip-feed is ordered at each door, stands there as one order, and is cancelled there', async () => {
  const { doors, shop, service, panel, rest, add } = await setup()
  const { order } = await panel(add)
  const ids = [1, 2, 3].map((run) => order + run)
  const five = { charge: '11.076', start_count: '0', status: 'Pending', remains: '300', currency: 'USD' }
  expect(await panel({ action: 'status', order: String(order) })).toEqual({ ...five, runs: 3, orders: ids })
  const many = await panel({ action: 'status', orders: `${order},${ids[2]},999999` })
  expect(many).toEqual({
    [order]: { ...five, runs: 3, orders: ids },
    [ids[2] ?? 0]: { ...five, charge: '3.692', remains: '100' },
    999999: { error: 'Incorrect order ID' },
  })
  const [sent] = (await claim(shop)).claimed
  if (sent) await recordPlacements(shop.app, [ended(sent, acceptedAs('p1', 1n))])
  expect(await panel({ action: 'cancel', orders: `${order},999999` })).toEqual([
    { order, cancel: 1 },
    { order: 999999, cancel: { error: 'Incorrect order ID' } },
  ])
  expect(await panel({ action: 'cancel', orders: String(order) })).toEqual([
    { order, cancel: { error: 'Cancel is not available for this order' } },
  ])
  expect(await panel({ action: 'status', order: String(order) })).toMatchObject({
    charge: '3.692',
    status: 'In progress',
  })

  const { action: _, ...body } = { ...add, request_id: 'feed-1' }
  const placed = await rest('POST', '/api/v1/order', body)
  expect(placed).toMatchObject({ status: 201, body: { charge: '11.076' } })
  expect(await rest('POST', '/api/v1/order', body)).toEqual(placed)
  const { id } = placed.body
  const feed = {
    id,
    status: 'Pending',
    charge: '11.076',
    quantity: '300',
    remains: '300',
    runs: 3,
    interval: 60,
    service,
  }
  const shown = (await rest('GET', `/api/v1/drip-feeds/${id}`)).body
  expect(shown).toMatchObject({ ...feed, request_id: 'feed-1', canceled_at: null, finished_at: null })
  expect((await rest('GET', `/api/v1/order/${id}`)).body).toEqual(shown)
  expect((await rest('GET', `/api/v1/status?orders=${id}`)).body.data).toMatchObject([{ id, orders: shown.orders }])
  expect((await rest('GET', `/api/orders/user-status/${id}`)).body).toMatchObject({
    id,
    user_visible_status: 'Pending',
  })
  const list = (await rest('GET', '/api/v1/drip-feeds?limit=1')).body
  expect(list).toMatchObject({ data: [feed], has_more: true })
  expect((await rest('GET', `/api/v1/drip-feeds?limit=1&cursor=${list.next_cursor}`)).body).toMatchObject({
    data: [{ id: String(order) }],
    has_more: false,
  })
  expect((await rest('GET', `/api/v1/order/${shown.orders[1]}`)).body).toMatchObject({
    status: 'Pending',
    drip_feed: { id, run: 2, starts_at: expect.any(String) },
  })
  const staff = await staffWith(shop.app, doors.url, ['orders:read', 'orders:cancel'])
  expect((await staff.ask('GET', `/api/admin/orders?drip_feed=${id}`)).body.data).toMatchObject([
    { run: 3, state: 'scheduled', drip_feed_id: id },
    { run: 2, state: 'scheduled' },
    { run: 1, state: 'queued', not_before: null },
  ])
  expect((await rest('POST', `/api/v1/drip-feeds/${id}/cancel`)).body).toMatchObject({
    canceled: 3,
    drip_feed: { status: 'Canceled', charge: '0.00', canceled_at: expect.any(String), finished_at: expect.any(String) },
  })
  expect((await staff.ask('POST', `/api/admin/drip-feeds/${id}/cancel`)).body).toMatchObject({ canceled: 0 })
  // The orders' own address knows it too: this one has ended.
  expect((await rest('POST', `/api/v1/orders/${id}/cancel`)).body).toMatchObject({ code: 'order_ended' })
  const again = (await rest('POST', '/api/v1/order', { ...body, request_id: 'feed-2' })).body as { id: string }
  expect((await rest('POST', `/api/v1/orders/${again.id}/cancel`)).body).toMatchObject({
    outcome: 'cancelled',
    order: { id: again.id, status: 'Canceled', charge: '0.00', runs: 3 },
  })
  const third = (await rest('POST', '/api/v1/order', { ...body, request_id: 'feed-3' })).body as { id: string }
  expect((await staff.ask('POST', `/api/admin/orders/${third.id}/cancel`)).body).toMatchObject({
    outcome: 'cancelled',
    order: { id: third.id, status: 'Canceled', charge: '0.00', runs: 3 },
  })
  expect(await staff.ask('POST', `/api/admin/orders/${third.id}/cancel`)).toMatchObject({
    status: 409,
    body: { code: 'order_ended' },
  })
  expect((await staff.ask('GET', `/api/admin/drip-feeds/${id}`)).body).toMatchObject({ id, status: 'Canceled' })
  for (const nobody of ['999999', 'x', String(ids[0])]) {
    expect((await rest('GET', `/api/v1/drip-feeds/${nobody}`)).status).toBe(404)
    expect((await rest('POST', `/api/v1/drip-feeds/${nobody}/cancel`)).status).toBe(404)
    expect((await staff.ask('POST', `/api/admin/drip-feeds/${nobody}/cancel`)).status).toBe(404)
  }
})

test('services say truly whether they can be had in runs, and what makes no sense is refused by name', async () => {
  const { shop, panel, rest, add } = await setup()
  const services: { service: number; dripfeed: boolean }[] = await panel({ action: 'services' })
  const offered: { id: string; dripfeed: boolean }[] = (await rest('GET', '/api/v1/services')).body.data
  const able = shop.services
    .filter((each) => each.dripfeed)
    .map((each) => String(each.id))
    .sort()
  expect(able.length).toBeGreaterThan(1)
  expect(
    services
      .filter(({ dripfeed }) => dripfeed)
      .map(({ service }) => String(service))
      .sort(),
  ).toEqual(able)
  expect(
    offered
      .filter(({ dripfeed }) => dripfeed)
      .map(({ id }) => id)
      .sort(),
  ).toEqual(able)
  const other = String(shop.services.find((each) => each.type === 'Default' && !each.dripfeed)?.id)
  const cases: [Record<string, string>, string][] = [
    [{ service: other }, 'Drip-feed is not available for this service'],
    [{ interval: '' }, 'Incorrect interval'],
    [{ interval: '43201' }, 'Incorrect interval'],
    [{ interval: '1.5' }, 'Incorrect interval'],
    [{ runs: '' }, 'Incorrect runs'],
    [{ runs: '1001', interval: '1' }, 'Incorrect runs'],
    [{ runs: '-1' }, 'Incorrect runs'],
    [{ runs: '5', interval: '43200' }, 'Incorrect runs'],
    [{ quantity: '49' }, 'Quantity less than minimal 50'],
    [{ quantity: '33334' }, 'Quantity more than maximum 100000'],
  ]
  for (const [fields, error] of cases) expect([fields, await panel({ ...add, ...fields })]).toEqual([fields, { error }])
  const many = { orders: Array.from({ length: 11 }, () => ({ ...add, action: undefined, runs: '100', interval: '1' })) }
  expect(await rest('POST', '/api/v1/orders', many)).toMatchObject({ status: 400, body: { code: 'invalid_request' } })
  expect(await shop.app.db.query('select 1 from orders.orders')).toEqual([])
})

test('among many orders that are cancelled over REST a drip-feed is one', async () => {
  const { rest, add } = await setup()
  const { action: _, ...body } = add
  const { id } = (await rest('POST', '/api/v1/order', body)).body
  const cancel = async () => (await rest('POST', '/api/v1/cancel', { orders: [id, '999999'] })).body.data
  expect(await cancel()).toMatchObject([{ ok: true, outcome: 'cancelled' }, { code: 'order_not_found' }])
  expect(await cancel()).toMatchObject([{ ok: false, code: 'order_ended' }, {}])
})
