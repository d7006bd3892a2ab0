import { expect, test } from 'vitest'
import { readOrderPage, readPages } from './map-orders.ts'

const MONEY = { currency: 'USD', scale: 6 }
const ROW = { order: 7, service: 101, link: 'https://example.com/7', quantity: '100', created: '2026-01-01T00:00:00Z' }

const page = (orders: unknown, more: object = {}) =>
  readOrderPage({ answered: true, status: 200, body: JSON.stringify({ orders, ...more }) }, MONEY)

test('a row is read, and what it does not name is absent', () => {
  expect(page([ROW], { now: '2026-01-01T00:01:00+00:00', next: '7' })).toEqual({
    orders: [
      {
        provider_order_id: '7',
        provider_service_id: '101',
        link: 'https://example.com/7',
        quantity: 100n,
        created_at: new Date('2026-01-01T00:00:00Z'),
        charge: undefined,
      },
    ],
    complete: true,
    now: new Date('2026-01-01T00:01:00Z'),
    next: '7',
  })
})

test.each([
  ['no id', { order: '' }],
  ['no service', { service: null }],
  ['a time without zone', { created: '2026-01-01 00:00:00' }],
  ['a time that is none', { created: '2026-13-41T00:00:00Z' }],
])('a row with %s is left out, and the list is not complete', (_, change) => {
  expect(page([ROW, { ...ROW, ...change }])).toMatchObject({ orders: [{ provider_order_id: '7' }], complete: false })
})

test.each([undefined, 'none', { 7: ROW }])('%o is no list', (orders) => {
  expect(() => page(orders)).toThrow('no list of orders')
})

test('a list that begins anew for ever is ended, and is not complete', async () => {
  let pages = 0
  const list = await readPages(async () => {
    pages += 1
    return page([ROW], { next: '7' })
  })
  expect(list.complete).toBe(false)
  expect(pages).toBe(2)
})

test('a list without end is read up to a limit, and is not complete', async () => {
  let pages = 0
  const list = await readPages(async () => {
    pages += 1
    return page([ROW], { next: String(pages) })
  })
  expect(list).toMatchObject({ complete: false, orders: { length: pages } })
  expect(pages).toBeLessThanOrEqual(50)
})
