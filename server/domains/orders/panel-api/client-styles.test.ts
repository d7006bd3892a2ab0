import { expect, test } from 'vitest'
import { openDoors } from '#test/support/doors.ts'
import { PanelError, panelClient, STYLES } from '#test/support/panel-clients.ts'

interface Status {
  charge: string
  start_count: string
  status: string
  remains: string
  currency: string
}

test.each(STYLES)('$name: a reseller lists, orders, follows, and is told what there is not', async (style) => {
  const { shop, url, customer } = await openDoors()
  const { key } = await customer('100', { legacy_get: true })
  const call = panelClient(style, `${url}/api/v2`, key)

  const services = await call<Record<string, unknown>[]>({ action: 'services' })
  expect(services).toHaveLength(shop.services.length)
  const sold = shop.service('Default')
  expect(services.find((each) => each.service === Number(sold.id))).toEqual({
    service: Number(sold.id),
    name: sold.name,
    type: 'Default',
    category: sold.category,
    rate: expect.stringMatching(/^\d+\.\d{2,6}$/),
    min: String(sold.min),
    max: String(sold.max),
    dripfeed: false,
    refill: sold.refill,
    cancel: sold.cancel,
    desc: sold.description,
  })

  const link = 'https://example.com/a?b=c&d=ü~(x)'
  const quantity = Number(sold.min)
  const { order } = await call<{ order: number }>({ action: 'add', service: Number(sold.id), link, quantity })
  expect(order).toBeTypeOf('number')
  const pack = await call<{ order: number }>({ action: 'add', service: String(shop.service('Package').id), link })
  const comments = 'Größe 10 % + 5\r\nвторая строка\n\nতৃতীয়'
  const lines = await call<{ order: number }>({
    action: 'add',
    service: String(shop.service('Custom Comments').id),
    link,
    comments,
  })
  const [stored] = await shop.app.db.query('select link, params from orders.orders where id = $1', [lines.order])
  expect(stored).toEqual({ link, params: { comments: 'Größe 10 % + 5\nвторая строка\nতৃতীয়' } })

  const one = await call<Status>({ action: 'status', order })
  expect(one).toEqual({
    charge: expect.stringMatching(/^\d+\.\d{2,6}$/),
    start_count: '0',
    status: 'Pending',
    remains: String(quantity),
    currency: 'USD',
  })
  // Batch errors are data, keyed by the id as it was spelled.
  const many = await call<Record<string, unknown>>({ action: 'status', orders: `${order},${lines.order},abc` })
  expect(many[String(order)]).toEqual(one)
  expect(many[String(lines.order)]).toMatchObject({ remains: '3' })
  expect(many.abc).toEqual({ error: 'Incorrect order ID' })

  const balance = await call<Record<string, string>>({ action: 'balance' })
  expect(balance).toEqual({ balance: expect.stringMatching(/^\d+\.\d{2,6}$/), currency: 'USD' })

  // Decoded as lists by the clients that ask for several.
  const cancel = await call<unknown[]>({ action: 'cancel', orders: `${pack.order},999999` })
  expect(cancel).toEqual([
    { order: pack.order, cancel: 1 },
    { order: 999999, cancel: { error: 'Incorrect order ID' } },
  ])
  const refill = await call<unknown[]>({ action: 'refill', orders: `${order},x` })
  expect(refill).toEqual([
    { order, refill: { error: 'Refill is not available for this order' } },
    { order: 'x', refill: { error: 'Incorrect order ID' } },
  ])
  const refills = await call<unknown[]>({ action: 'refill_status', refills: '1,2' })
  expect(refills).toEqual([1, 2].map((id) => ({ refill: id, status: { error: 'Incorrect refill ID' } })))

  // A whole-answer error is a failure to every client.
  const refused = (fields: Record<string, string | number>) => expect(call(fields)).rejects.toThrow(PanelError)
  await refused({ action: 'status', order: 999999 })
  await refused({ action: 'refill', order })
  await refused({ action: 'refill_status', refill: 1 })
  await refused({ action: 'add', service: Number(sold.id), link: 'not a link', quantity })
})
