import { expect, test } from 'vitest'
import { differences } from './differences.ts'

const AT = new Date(0)

test('what differs is told on both sides, and nothing else', () => {
  const before = { name: 'Ada', limit: 1n, ips: ['a', 'b'], at: AT, off: null, note: undefined }
  const after = { name: 'Ada', limit: 2n, ips: ['a'], at: new Date(0), off: true, note: 'x' }
  const names = ['name', 'limit', 'ips', 'at', 'off', 'note'] as const
  expect(differences(before, after, names)).toEqual({
    before: { limit: 1n, ips: ['a', 'b'], off: null, note: null },
    after: { limit: 2n, ips: ['a'], off: true, note: 'x' },
  })
})

test('a field that is not named is not told', () => {
  const [before, after] = [
    { a: 1, b: 1 },
    { a: 2, b: 2 },
  ] as const
  expect(differences(before, after, ['a'])).toEqual({ before: { a: 1 }, after: { a: 2 } })
})

test('of what is the same nothing is told; null and left out are the same', () => {
  expect(differences({ a: { b: [1n] }, c: null }, { a: { b: [1n] }, c: undefined }, ['a', 'c'])).toBeUndefined()
})
