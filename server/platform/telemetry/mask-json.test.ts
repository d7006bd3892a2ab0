import { expect, test } from 'vitest'
import { maskJson } from './mask-json.ts'

const SECRET = `sk_${'a'.repeat(43)}`

test('a secret is masked by the name of its field and by its form, and the rest stays', () => {
  const at = new Date(0)
  const stored = {
    order_id: 7n,
    at,
    api_key: 'anything',
    nested: [{ password: { deep: 'x' }, note: `use ${SECRET} please` }, SECRET, 1, null, true],
    [SECRET]: 'a name',
    idempotency_key: 'kept',
  }
  expect(maskJson(stored)).toEqual({
    order_id: '7',
    at,
    api_key: '***',
    nested: [{ password: '***', note: 'use *** please' }, '***', 1, null, true],
    '***': 'a name',
    idempotency_key: 'kept',
  })
  expect(stored.api_key).toBe('anything')
})

test('a value without end is cut, and one that takes the place of a prototype is only a field', () => {
  const deep = Array.from({ length: 5_000 }).reduce<unknown>((inner) => [inner], SECRET)
  expect(JSON.stringify(maskJson(deep))).toBe(`${'['.repeat(20)}"…"${']'.repeat(20)}`)
  const masked = maskJson(JSON.parse('{"__proto__": {"admin": true}}')) as { admin?: boolean }
  expect([masked.admin, Object.keys(masked)]).toEqual([undefined, ['__proto__']])
})
