import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { contains, filled, isPattern, overlaps, parsePattern } from './permission.ts'

const covers = (granted: string, needed: string) => contains(parsePattern(granted), parsePattern(needed))
const meet = (a: string, b: string) => overlaps(parsePattern(a), parsePattern(b))

test.each([
  ['*', 'orders:place:own', true],
  ['*', 'ledger', true],
  ['orders:*', 'orders:place:own', true],
  ['orders:*', 'orders:place', true],
  ['orders:*', 'orders', false],
  ['orders:*', 'orderships:place', false],
  ['orders:*:own', 'orders:place:own', true],
  ['orders:*:own', 'orders:place:any', false],
  ['orders:*:own', 'orders:place', false],
  ['orders:*:own', 'orders:place:now:own', false],
  ['orders:place:own', 'orders:place', false],
  ['orders:place', 'orders:place:own', false],
  ['users:edit:trader:42', 'users:edit:trader:42', true],
  ['users:edit:trader:42', 'users:edit:trader:421', false],
  ['users:edit:trader:{id}', 'users:edit:trader:42', true],
  ['users:edit:trader:{id}', 'users:edit:trader:own', false],
  ['users:edit:trader:{id}', 'users:edit:merchant:42', false],
  ['users:edit:trader:{id}', 'users:edit:trader', false],
  ['users:edit:trader:*', 'users:edit:trader:7', true],
  ['users:edit:trader:*', 'users:edit:trader:{id}', true],
  ['users:edit:trader:7', 'users:edit:trader:{id}', false],
  ['', 'orders:place:own', false],
  ['*', '', false],
  ['*', 'orders::own', false],
])('%s contains %s: %s', (granted, needed, expected) => {
  expect(covers(granted, needed)).toBe(expected)
})

test.each([
  ['users:read:trader:17', 'users:read:{role}:{id}', true],
  ['users:read:trader:17', 'users:read:{role}:17', true],
  ['users:read:trader:17', 'users:read:{role}:18', false],
  ['users:*', 'users:read:{role}:{id}', true],
  ['users:block:trader:17', 'users:read:{role}:{id}', false],
  ['users:read', 'users:read:{role}:{id}', false],
])('%s and %s meet: %s', (granted, open, expected) => {
  expect(meet(granted, open)).toBe(expected)
  expect(meet(open, granted)).toBe(expected)
})

describe('beside a model that lists what patterns stand for', () => {
  // One word and one number that no pattern names stand for all the others.
  const WORDS = ['a', 'b', '7', 'other', '99']
  const LENGTH_MAX = 4
  const universe: string[] = []
  for (let length = 1, level = ['']; length <= LENGTH_MAX + 1; length++) {
    level = level.flatMap((start) => WORDS.map((word) => (start === '' ? word : `${start}:${word}`)))
    universe.push(...level)
  }
  const modelOf = (pattern: string) => {
    const words = pattern.split(':').map((word, i, all) => {
      if (word === '*') return i === all.length - 1 ? '.+' : '[^:]+'
      return word === '{id}' ? '[0-9]+' : word
    })
    return new RegExp(`^${words.join(':')}$`)
  }
  const pattern = fc
    .array(fc.constantFrom('a', 'b', '7', '*', '{id}'), { minLength: 1, maxLength: LENGTH_MAX })
    .map((words) => words.join(':'))

  test('one contains another exactly when it stands for all of it', () => {
    fc.assert(
      fc.property(pattern, pattern, (outer, inner) => {
        const [out, within] = [modelOf(outer), modelOf(inner)]
        expect(covers(outer, inner)).toBe(universe.every((each) => !within.test(each) || out.test(each)))
      }),
      { numRuns: 500 },
    )
  })

  test('two overlap exactly when both stand for something', () => {
    fc.assert(
      fc.property(pattern, pattern, (a, b) => {
        const [one, other] = [modelOf(a), modelOf(b)]
        expect(meet(a, b)).toBe(universe.some((each) => one.test(each) && other.test(each)))
      }),
      { numRuns: 500 },
    )
  })

  test('one covers a permission exactly when the permission is among what it stands for', () => {
    fc.assert(
      fc.property(pattern, fc.constantFrom(...universe), (granted, needed) => {
        expect(covers(granted, needed)).toBe(modelOf(granted).test(needed))
      }),
      { numRuns: 2_000 },
    )
  })
})

test('only patterns may be granted', () => {
  for (const text of ['*', 'orders:*', 'users:edit:trader:{id}', 'users:*:trader:17', 'api-keys:read:own']) {
    expect([text, isPattern(text)]).toEqual([text, true])
  }
  const bad = ['', ':', 'a:', ':a', 'a::b', 'a:**', 'a b', 'A', 'a,b', '{role}', '{id', 'a:*b', 'я', 'a\n', '-a']
  for (const text of [...bad, Array(9).fill('a').join(':'), 'a'.repeat(41)]) {
    expect([text, isPattern(text)]).toEqual([text, false])
  }
})

test('a route’s words are filled from its path, and never by more than a word', () => {
  const open = 'users:read:{role}:{id}'
  expect(filled(open, { id: '17' })).toBe('users:read:{role}:17')
  expect(filled(open, { id: '17', role: 'trader' })).toBe('users:read:trader:17')
  for (const id of ['*', '17:x', '{role}', '', '1 7', '%2A', 'x'.repeat(41)]) expect(filled(open, { id })).toBe(open)
  expect(filled('users:{constructor}', {})).toBe('users:{constructor}')
})
