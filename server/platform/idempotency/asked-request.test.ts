import fc from 'fast-check'
import { expect, test } from 'vitest'
import { contentOf } from './asked-request.ts'

test('the same request is the same whatever the order of its fields', () => {
  const fields = fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 5 })
  fc.assert(
    fc.property(fields, (body) => {
      const turned = Object.fromEntries(Object.entries(body).reverse())
      expect(contentOf('POST', '/a', turned)).toBe(contentOf('POST', '/a', body))
    }),
  )
})

test('another request is another: method, address, query, and any value at any depth', () => {
  const requests = [
    contentOf('POST', '/a', { a: 1 }),
    contentOf('PUT', '/a', { a: 1 }),
    contentOf('POST', '/b', { a: 1 }),
    contentOf('POST', '/a?b=1', { a: 1 }),
    contentOf('POST', '/a', { a: '1' }),
    contentOf('POST', '/a', { a: [1] }),
    contentOf('POST', '/a', { a: { b: 1 } }),
    contentOf('POST', '/a', { a: { b: 2 } }),
    contentOf('POST', '/a', { a: null }),
    contentOf('POST', '/a', {}),
    contentOf('POST', '/a', undefined),
    contentOf('POST', '/a', [['a', 1]]),
    contentOf('POST', '/a', { fields: [['a', 1]] }),
    contentOf('POST', '/a', JSON.parse('{"a":1,"__proto__":2}')),
  ]
  expect(new Set(requests).size).toBe(requests.length)
})
