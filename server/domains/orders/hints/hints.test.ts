import { createHmac } from 'node:crypto'
import { Writable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { openLog } from '#server/platform/telemetry/log.ts'
import { openDoors } from '#test/support/doors.ts'
import { dispatched, orderNow, told } from '#test/support/order-book.ts'
import { staffWith } from '#test/support/staff.ts'
import { recordStatuses } from '../following/record-statuses.ts'
import { NAMED_MAX, namedOrders } from './named-orders.ts'

async function setup() {
  const lines: string[] = []
  const destination = new Writable({
    write: (chunk, _encoding, done) => {
      lines.push(String(chunk))
      done()
    },
  })
  const doors = await openDoors({ log: openLog({ level: 'debug', destination }) })
  const { shop, url } = doors
  const { id: customer } = await doors.customer('1000')
  const staff = await staffWith(shop.app, url, ['providers:read', 'providers:edit'])
  const path = `/api/admin/providers/${shop.provider_id}/hook`
  const rotate = async () =>
    (await staff.ask('POST', path)).body as { secret: string; path: string; signed_path: string }
  const call = async (to: string, body: string | Buffer, headers: Record<string, string> = {}) => {
    const response = await fetch(url + to, { method: 'POST', body, headers })
    return { status: response.status, body: JSON.parse(await response.text()) }
  }
  /** At the provider, asked about a minute ago and not again for an hour. */
  const quiet = async () => {
    const order = await dispatched(shop, customer)
    await shop.app.db.query(
      `update orders.orders set checked_at = now() - interval '1 minute', next_check_at = now() + interval '1 hour' where id = $1`,
      [order.id],
    )
    return order
  }
  const isDue = async (id: bigint) => ((await orderNow(shop, id)).next_check_at?.getTime() ?? 0) <= Date.now()
  const counted = async () => (await staff.ask('GET', path)).body
  return { ...doors, shop, customer, staff, path, rotate, call, quiet, isDue, counted, lines }
}

test('a call with the secret makes the orders it names due, and nothing that it says is believed', async () => {
  const { shop, rotate, call, quiet, isDue, counted } = await setup()
  const [one, two, other] = [await quiet(), await quiet(), await quiet()]
  const { path } = await rotate()
  const body = {
    order: one.provider_order_id,
    status: 'Completed',
    charge: '0',
    orders: [two.provider_order_id, 'nobody'],
  }
  expect(await call(path, JSON.stringify(body))).toEqual({ status: 200, body: { ok: true } })
  expect([await isDue(one.id), await isDue(two.id), await isDue(other.id)]).toEqual([true, true, false])
  expect(await orderNow(shop, one.id)).toMatchObject({ state: 'pending', version: one.version, captured: 0n })
  expect(await counted()).toMatchObject({ calls: '1', known: '2', unknown: '1', last_call_at: expect.any(String) })
  // Again it changes nothing.
  const before = await orderNow(shop, one.id)
  await call(path, JSON.stringify(body))
  expect(await orderNow(shop, one.id)).toEqual(before)
})

test('an order is asked about no more often for it, and one that has ended not at all', async () => {
  const { shop, rotate, call, quiet, isDue } = await setup()
  const [fresh, ended] = [await quiet(), await quiet()]
  const { path } = await rotate()
  await shop.app.db.query('update orders.orders set checked_at = now() where id = $1', [fresh.id])
  await recordStatuses(shop.app, [{ order_id: ended.id, row: told('completed', { charge: 1n, currency: 'USD' }) }])
  await call(path, `orders=${fresh.provider_order_id},${ended.provider_order_id}`)
  expect(await isDue(fresh.id)).toBe(false)
  const next = (await orderNow(shop, fresh.id)).next_check_at?.getTime() ?? 0
  expect(next - Date.now()).toBeLessThanOrEqual(10_000)
  expect(await orderNow(shop, ended.id)).toMatchObject({ state: 'completed', next_check_at: null })
})

test('a signature does instead of the secret; a wrong one, another provider’s, an old one or none is no hook', async () => {
  const { staff, path: admin, rotate, call, quiet, isDue, lines } = await setup()
  const order = await quiet()
  const body = JSON.stringify({ id: order.provider_order_id })
  const none = { status: 404, body: { code: 'hook_not_found' } }
  expect(await call('/hooks/providers/1/whsec_x', body)).toMatchObject(none)
  expect(await staff.ask('GET', admin)).toMatchObject(none)
  const first = await rotate()
  const { secret, path, signed_path } = await rotate()
  const sign = (key: string) => createHmac('sha256', key).update(body).digest('hex')
  const wrong = [first.path, `${path}x`, '/hooks/providers/99/x', '/hooks/providers/x/y', signed_path]
  for (const each of wrong) expect([each, await call(each, body)]).toMatchObject([each, none])
  for (const signature of ['', 'x', sign(first.secret), sign(secret).slice(1)]) {
    expect(await call(signed_path, body, { 'x-signature': signature })).toMatchObject(none)
  }
  expect(await call(signed_path, `${body} `, { 'x-signature': sign(secret) })).toMatchObject(none)
  expect(await isDue(order.id)).toBe(false)
  expect(await call(signed_path, body, { 'x-hub-signature-256': `sha256=${sign(secret)}` })).toMatchObject({
    status: 200,
  })
  expect(await isDue(order.id)).toBe(true)

  expect(await call(path, 'x'.repeat(65_537))).toMatchObject({ status: 413 })
  for (const rubbish of ['', '{', '[[[', '\0', '{"order":{"order":{"order":{}}}}']) {
    expect(await call(path, rubbish, { 'content-type': 'application/json' })).toMatchObject({ status: 200 })
  }
  expect(await staff.ask('DELETE', admin)).toMatchObject({ status: 204 })
  expect(await call(path, body)).toMatchObject(none)
  expect(await staff.ask('DELETE', admin)).toMatchObject(none)
  expect(await staff.ask('POST', '/api/admin/providers/999/hook')).toMatchObject({
    status: 404,
    body: { code: 'provider_not_found' },
  })
  expect(lines.join('')).not.toContain(secret.slice(6))
})

describe('orders named, in whatever form', () => {
  test.each([
    ['{"order":23501}', ['23501']],
    ['{"order_id":"ord_1","status":"Completed"}', ['ord_1']],
    ['{"orders":[1,2,{"id":3}]}', ['1', '2', '3']],
    ['{"orders":"1, 2,,2"}', ['1', '2']],
    ['{"orders":{"7":{"status":"Partial"},"8":{}}}', ['7', '8']],
    ['{"event":"x","data":{"object":{"order":12345678901234567890}}}', ['12345678901234567890']],
    ['[{"id":1},{"externalId":"2"}]', ['1', '2']],
    ['\ufeff{"order":1}', ['1']],
    ['order=5&status=Completed', ['5']],
    ['orders%5B%5D=5&orders%5B%5D=6', ['5', '6']],
    ['{"order":"a b"}', []],
    ['{"charge":"5","service":9}', []],
    ['{"order":null,"id":true}', []],
    ['<html></html>', []],
    ['', []],
  ])('%s', (body, expected) => {
    expect(namedOrders(Buffer.from(body))).toEqual(expected)
  })

  test('no more than a hundred, and no deeper than makes sense', () => {
    const many = Array.from({ length: 1_000 }, (_, i) => i + 1)
    expect(namedOrders(Buffer.from(JSON.stringify({ orders: many })))).toHaveLength(NAMED_MAX)
    const deep = `${'{"a":'.repeat(20)}{"order":1}${'}'.repeat(20)}`
    expect(namedOrders(Buffer.from(deep))).toEqual([])
  })
})
