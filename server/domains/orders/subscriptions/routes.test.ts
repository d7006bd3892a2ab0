import { expect, test } from 'vitest'
import { openDoors } from '#test/support/doors.ts'
import { claim, ended, expectSound, orderNow } from '#test/support/order-book.ts'
import { staffWith } from '#test/support/staff.ts'
import { aSubscription, postsOf } from '#test/support/subscriptions.ts'
import { sendCancels } from '../cancelling/send-cancels.ts'
import { recordPlacements } from '../dispatching/record-placements.ts'
import { pollOrders } from '../following/poll-orders.ts'

/** A door with a customer, and their words for a subscription at 0.1105 each piece. */
async function setup(usd = '100') {
  const doors = await openDoors({
    panel: { pace: { complete_ms_min: 3_600_000, complete_ms_max: 3_600_000, post_every_ms: 0 } },
  })
  const { shop } = doors
  const { key, id: customer_id } = await doors.customer(usd)
  const service = String(aSubscription(shop, customer_id).service_id)
  const panel = async (fields: Record<string, string>) => {
    const body = new URLSearchParams({ key, ...fields })
    return JSON.parse(await (await fetch(`${doors.url}/api/v2`, { method: 'POST', body })).text())
  }
  const rest = async (method: string, path: string, body?: object) => {
    const headers = { 'x-api-key': key, ...(body && { 'content-type': 'application/json' }) }
    const response = await fetch(doors.url + path, { method, headers, ...(body && { body: JSON.stringify(body) }) })
    return { status: response.status, body: JSON.parse(await response.text()) }
  }
  /** Sends what is queued to the panel, which takes it. */
  const dispatch = async () => {
    for (const order of (await claim(shop)).claimed) {
      const provider = await shop.providers.providerById(order.provider_id)
      const { attempt, provider_service_id, type, link, quantity, params } = order
      const request = { attempt_key: attempt ?? '', provider_service_id, type, link, quantity, params }
      await recordPlacements(shop.app, [ended(order, await provider.place(request, { order_id: order.id }))])
    }
  }
  const poll = async (id: number) => {
    await pollOrders(shop.app, shop.providers, shop.provider_id, [BigInt(id)])
  }
  const add = { action: 'add', service, username: 'ada', min: '10', max: '20', delay: '0' }
  return { doors, shop, service, customer_id, panel, rest, add, dispatch, poll }
}

test('the list of services has the type, and what it wants is refused by name', async () => {
  const { panel, add, service, rest } = await setup()
  const sold = (await panel({ action: 'services' })) as { service: number; type: string; rate: string; min: string }[]
  expect(sold.find((each) => String(each.service) === service)).toMatchObject({
    ...{ type: 'Subscriptions', rate: '110.50', min: '1', max: '50' },
  })
  const refused = async (fields: object) => (await panel({ ...add, ...fields })).error
  expect(await refused({ username: '' })).toBe('Incorrect username')
  expect(await refused({ delay: '7' })).toBe('Incorrect delay')
  expect(await refused({ posts: '101' })).toBe('Incorrect posts')
  expect(await refused({ expiry: '31/12/2020' })).toBe('Incorrect expiry')
  expect(await refused({ max: '51' })).toBe('Quantity more than maximum 50')
  expect(await refused({ min: '0' })).toBe('Incorrect min')
  expect(await refused({ runs: '2', interval: '5' })).toBe('Drip-feed is not available for this service')
  const { action: _, ...body } = add
  expect(await rest('POST', '/api/v1/order', { ...body, posts: 101 })).toMatchObject({
    status: 422,
    body: { code: 'parameter_invalid', errors: [{ field: 'posts' }], limit: '100' },
  })
  const plain = await rest('POST', '/api/v1/order', { service: '1', quantity: 100 })
  expect(plain).toMatchObject({ status: 422, body: { code: 'link_invalid' } })
})

test('a subscription is ordered at each door, stands there with its posts, and is cancelled there', async () => {
  const { shop, panel, rest, add, dispatch, poll, service } = await setup()
  const { order } = await panel(add)
  const before = { charge: '0.00', start_count: '0', remains: '0', currency: 'USD', posts: 0, orders: [] }
  expect(await panel({ action: 'status', order: String(order) })).toEqual({ ...before, status: 'Pending' })
  expect(await panel({ action: 'balance' })).toEqual({ balance: '97.79', currency: 'USD' })
  await dispatch()
  expect(await panel({ action: 'status', order: String(order) })).toEqual({ ...before, status: 'Active' })
  const { provider_order_id } = await orderNow(shop, BigInt(order))
  const sent = (await shop.control.allOrders()).at(-1)?.fields
  expect(sent).toEqual({ ...add, service: sent?.service })
  await shop.control.post(provider_order_id ?? '')
  await shop.control.post(provider_order_id ?? '', { quantity: 12 })
  await shop.control.setFaults({ posts_rows: 1 })
  await poll(order)
  const ids = (await postsOf(shop, BigInt(order))).map(({ id }) => Number(id))
  const standing = { charge: '3.536', remains: '32', posts: 2, orders: ids, status: 'Active' }
  expect(await panel({ action: 'status', orders: `${order},${ids[1]},999999` })).toEqual({
    [order]: { ...before, ...standing },
    [ids[1] ?? 0]: { charge: '1.326', start_count: '0', status: 'Pending', remains: '12', currency: 'USD' },
    999999: { error: 'Incorrect order ID' },
  })
  const rows = (await rest('GET', `/api/v1/status?orders=${order},${ids[0]}`)).body.data
  expect(rows[0]).toMatchObject({ id: String(order), status: 'Active', charge: '3.536', posts: 2 })
  expect(rows[1]).toMatchObject({ status: 'Pending', charge: '2.21' })

  const shown = (await rest('GET', `/api/v1/subscriptions/${order}`)).body
  expect(shown).toMatchObject({
    ...{ id: String(order), status: 'Active', charge: '3.536', reserved: '2.21', posts: 2, posts_max: 100, service },
    ...{ username: 'ada', min: '10', max: '20', delay: 0, new_posts: null, stop_reason: null, finished_at: null },
  })
  expect((await rest('GET', '/api/v1/subscriptions')).body).toEqual({
    data: [shown],
    has_more: false,
    next_cursor: null,
  })
  expect((await rest('GET', `/api/v1/order/${ids[0]}`)).body).toMatchObject({
    ...{ type: 'Subscriptions', link: 'ada', quantity: '20', subscription: { id: String(order), post: 1 } },
  })
  expect((await rest('GET', `/api/v1/order/${order}`)).body).toMatchObject({
    ...{ status: 'In progress', charge: '2.21', subscription: null },
  })

  expect(await panel({ action: 'cancel', orders: String(order) })).toEqual([{ order, cancel: 1 }])
  await sendCancels(shop.app, shop.providers, shop.provider_id)
  await poll(order)
  expect(await panel({ action: 'status', order: String(order) })).toMatchObject({ ...standing, status: 'Canceled' })
  expect(await panel({ action: 'balance' })).toEqual({ balance: '96.464', currency: 'USD' })
  expect(await panel({ action: 'cancel', orders: String(order) })).toEqual([
    { order, cancel: { error: 'Cancel is not available for this order' } },
  ])
  expect((await rest('POST', `/api/v1/subscriptions/${order}/cancel`)).body).toMatchObject({ code: 'order_ended' })
  await expectSound(shop.app)
})

test('before a provider has it, it is cancelled at once, and a key of the caller’s makes one', async () => {
  const { rest, panel, add } = await setup()
  const { action: _, ...given } = add
  const body = { ...given, request_id: 'sub-1', min: 10, max: 20 }
  const placed = await rest('POST', '/api/v1/order', body)
  expect(placed).toMatchObject({ status: 201, body: { charge: '2.21' } })
  expect(await rest('POST', '/api/v1/order', body)).toEqual(placed)
  const { id } = placed.body
  expect(await rest('POST', `/api/v1/subscriptions/${id}/cancel`)).toMatchObject({
    status: 200,
    body: { outcome: 'cancelled', subscription: { status: 'Canceled', reserved: '0.00', request_id: 'sub-1' } },
  })
  expect(await panel({ action: 'balance' })).toEqual({ balance: '100.00', currency: 'USD' })
})

test('another’s subscription is none, and an order that is none neither', async () => {
  const { doors, rest, panel, add } = await setup()
  const { order } = await panel(add)
  const { key } = await doors.customer('1')
  const headers = { 'x-api-key': key }
  for (const path of [`/api/v1/subscriptions/${order}`, '/api/v1/subscriptions/x']) {
    expect((await fetch(doors.url + path, { headers })).status).toBe(404)
  }
  const cancel = await fetch(`${doors.url}/api/v1/subscriptions/${order}/cancel`, { method: 'POST', headers })
  expect(cancel.status).toBe(404)
  expect((await rest('GET', '/api/v1/subscriptions/999999')).status).toBe(404)
})

test('staff see a subscription with its posts and what nobody pays for, and its customer none of that', async () => {
  const { doors, shop, panel, rest, add, dispatch, poll } = await setup('3')
  const { order } = await panel(add)
  await dispatch()
  const { provider_order_id } = await orderNow(shop, BigInt(order))
  await shop.control.post(provider_order_id ?? '')
  const lost = (await shop.control.post(provider_order_id ?? '')).id
  await poll(order)
  const staff = await staffWith(shop.app, doors.url, ['orders:read'])
  const detail = await staff.ask('GET', `/api/admin/orders/${order}`)
  expect(detail).toMatchObject({
    status: 200,
    body: {
      ...{ admin_visible_status: 'in_progress', reason: 'post_not_covered', booked_cost: '1.70', net_charge: '0.00' },
      subscription: {
        ...{ status: 'Canceled', provider_standing: 'active', posts_billed: 1, stop_reason: 'no_funds' },
        unbilled: [{ provider_order_id: lost, why: 'no_funds', cost: '1.70', currency: 'USD' }],
      },
      cancel_requests: [{ asked_by: 'system', state: 'asked' }],
    },
  })
  const [post] = await postsOf(shop, BigInt(order))
  const listed = await staff.ask('GET', `/api/admin/orders?subscription=${order}`)
  expect(listed.body.data).toMatchObject([{ id: String(post?.id), subscription_id: String(order), post: 1 }])
  expect((await staff.ask('GET', `/api/admin/subscriptions/${order}`)).body).toMatchObject({
    status: 'Canceled',
    posts: 1,
  })
  const own = JSON.stringify((await rest('GET', `/api/v1/subscriptions/${order}`)).body)
  expect(own).toContain('"stop_reason":"no_funds"')
  for (const inner of ['unbilled', 'post_not_covered', 'in_progress', lost, '1.70']) expect(own).not.toContain(inner)
  await expectSound(shop.app)
})
