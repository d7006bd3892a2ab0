import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parsePattern } from './permission.ts'
import { rightsOf } from './rights.ts'

const WORDS = ['a', 'b', '7', 'own']
const permissions: string[] = []
for (let length = 1, level = ['']; length <= 4; length++) {
  level = level.flatMap((start) => WORDS.map((word) => (start === '' ? word : `${start}:${word}`)))
  permissions.push(...level)
}
const pattern = fc
  .array(fc.constantFrom(...WORDS, '*', '{id}'), { minLength: 1, maxLength: 3 })
  .map((words) => words.join(':'))
const rights = fc
  .record({
    granted: fc.array(pattern, { maxLength: 4 }),
    denied: fc.array(pattern, { maxLength: 2 }),
    within: fc.option(fc.array(pattern, { minLength: 1, maxLength: 2 }), { nil: undefined }),
  })
  .map(rightsOf)

describe('whoever is at least another', () => {
  test('may do all that the other may, but for what each does with their own', () => {
    fc.assert(
      fc.property(rights, rights, (one, other) => {
        fc.pre(one.isAtLeast(other))
        for (const each of permissions) {
          if (!/(^|:)own$/.test(each) && other.may(each)) expect([each, one.may(each)]).toEqual([each, true])
        }
      }),
      { numRuns: 2_000 },
    )
  })

  test('is so also by the same words', () => {
    fc.assert(
      fc.property(fc.array(pattern, { maxLength: 4 }), fc.array(pattern, { maxLength: 2 }), (granted, denied) => {
        expect(rightsOf({ granted, denied }).isAtLeast(rightsOf({ granted: [...granted, 'a:own'], denied }))).toBe(true)
      }),
    )
  })

  test.each([
    [['*'], [], ['users:*', 'x'], [], true],
    [['users:*'], [], ['*'], [], false],
    [['users:read:trader:{id}'], [], ['users:read:trader:17'], [], true],
    [['users:read:trader:17'], [], ['users:read:trader:{id}'], [], false],
    [['services:read'], [], ['services:read', 'orders:*:own'], [], true],
    [['*'], ['balances:*'], ['*'], [], false],
    [['*'], ['balances:*'], ['*'], ['balances:*'], true],
    [['*'], ['balances:*'], ['users:*'], [], true],
    [['*'], ['users:read:trader:17'], ['users:read:trader:{id}'], [], false],
  ])('%j without %j against %j without %j: %s', (granted, denied, others, other_denied, expected) => {
    const other = rightsOf({ granted: others, denied: other_denied })
    expect(rightsOf({ granted, denied }).isAtLeast(other)).toBe(expected)
    expect(rightsOf({ granted, denied }).missing(other).length > 0).toBe(!expected)
  })
})

test('who holds a pattern may do all that it stands for', () => {
  fc.assert(
    fc.property(rights, pattern, (one, held) => {
      fc.pre(one.holds(parsePattern(held)))
      const stands = rightsOf({ granted: [held], denied: [] })
      for (const each of permissions) {
        if (stands.may(each)) expect([each, one.may(each)]).toEqual([each, true])
      }
    }),
    { numRuns: 2_000 },
  )
})

test('with words left open, no answer is no where something would be allowed', () => {
  const open = ['a:{x}', '{x}:b:{y}', 'a:{id}', '{x}', 'a:{x}:own']
  fc.assert(
    fc.property(rights, fc.constantFrom(...open), (one, asked) => {
      fc.pre(!one.may(asked))
      const instance = new RegExp(`^${asked.replaceAll('{id}', '[0-9]+').replaceAll(/\{\w\}/g, '[^:]+')}$`)
      for (const each of permissions) {
        if (instance.test(each)) expect([each, one.may(each)]).toEqual([each, false])
      }
    }),
    { numRuns: 2_000 },
  )
})

test('the same patterns are the same rights, and their answers have a limit', () => {
  const granted = ['users:read:trader:{id}']
  expect(rightsOf({ granted, denied: [] })).toBe(rightsOf({ granted: [...granted], denied: [] }))
  expect(rightsOf({ granted, denied: [], within: [] })).not.toBe(rightsOf({ granted, denied: [] }))
  for (let i = 0; i < 5_000; i++) expect(rightsOf({ granted: [`a:${i}`], denied: [] }).may(`a:${i}`)).toBe(true)
})
