import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { can, type Principal, principalOfRow, SCOPES, type Scope } from './principal.ts'

const CUSTOMER = ['services:read', 'orders:*:own']

function principal(
  permissions: readonly string[],
  by: { denied?: string[]; scopes?: readonly Scope[] } = {},
): Principal {
  const holder = { user_id: 1n, role: 'customer', staff: false, area: null, permissions, denied: by.denied ?? [] }
  if (by.scopes === undefined) return principalOfRow(holder, { session_area: null })
  return principalOfRow(holder, { key_id: 1n, scopes: by.scopes, legacy_get: false })
}

test.each<[string[], string, boolean]>([
  [CUSTOMER, 'orders:place:own', true],
  [CUSTOMER, 'orders:place:any', false],
  [[], 'services:read', false],
  [['api-keys:*:own'], 'api-keys:create:own', true],
  [['*'], 'orders:*', false],
  [['*'], '*', false],
  [['*'], '', false],
  [['*'], 'orders::own', false],
])('by session %j may %s: %s', (permissions, needed, expected) => {
  expect(can(principal(permissions), needed)).toBe(expected)
})

test.each<[string[], Scope[], string, boolean]>([
  [CUSTOMER, ['*'], 'orders:place:own', true],
  [CUSTOMER, ['*'], 'orders:place:any', false],
  [CUSTOMER, ['read'], 'orders:read:own', true],
  [CUSTOMER, ['read'], 'services:read', true],
  [CUSTOMER, ['read'], 'orders:place:own', false],
  [CUSTOMER, ['order'], 'orders:place:own', true],
  [CUSTOMER, ['order'], 'orders:cancel:own', true],
  [CUSTOMER, ['order'], 'orders:read:own', false],
  [CUSTOMER, ['read', 'order'], 'orders:read:own', true],
  [CUSTOMER, [], 'services:read', false],
  [['*'], ['*'], 'users:edit', true],
  [['*'], ['order'], 'users:edit', false],
  [['*'], ['*'], 'api-keys:create:own', false],
  [['*'], ['read'], 'api-keys:read:own', false],
  [['*'], ['*'], 'sessions:end:own', false],
  [['*'], ['*'], 'roles:edit', false],
  [['*'], ['*'], 'roles:read', true],
  [['*'], ['*'], 'users:create:administrator', false],
  [['*'], ['*'], 'users:grant:{role}:{id}', false],
  [['*'], ['*'], 'users:reset-2fa:customer:7', false],
])('by key %j with scopes %j may %s: %s', (permissions, scopes, needed, expected) => {
  expect(can(principal(permissions, { scopes }), needed)).toBe(expected)
})

test('what is denied is not given by any grant, and leaves the rest', () => {
  const restricted = principal(['*'], { denied: ['balances:*', 'users:read:trader:17'] })
  expect(can(restricted, 'balances:adjust')).toBe(false)
  expect(can(restricted, 'users:read:trader:17')).toBe(false)
  expect(can(restricted, 'users:read:trader:18')).toBe(true)
  // With words left open some remain, unless all are denied.
  expect(can(restricted, 'users:read:{role}:{id}')).toBe(true)
  expect(can(restricted, 'users:read:{role}:17')).toBe(true)
  expect(can(principal(['*'], { denied: ['users:*'] }), 'users:read:{role}:{id}')).toBe(false)
})

describe('beside a model', () => {
  const WORDS = ['a', 'b', 'read', 'own', '7']
  const text = fc
    .array(fc.constantFrom(...WORDS, '*', '{id}'), { minLength: 1, maxLength: 3 })
    .map((words) => words.join(':'))
  const needed = fc.array(fc.constantFrom(...WORDS), { minLength: 1, maxLength: 4 }).map((words) => words.join(':'))
  const covers = (pattern: string, permission: string) => {
    const words = pattern.split(':').map((word, i, all) => {
      if (word === '*') return i === all.length - 1 ? '.+' : '[^:]+'
      return word === '{id}' ? '[0-9]+' : word
    })
    return new RegExp(`^${words.join(':')}$`).test(permission)
  }

  test('a right is what some grant covers, no denial covers and, by key, some scope covers', () => {
    const scopes = fc.option(fc.subarray(Object.keys(SCOPES) as Scope[]), { nil: undefined })
    fc.assert(
      fc.property(
        fc.array(text, { maxLength: 4 }),
        fc.array(text, { maxLength: 2 }),
        scopes,
        needed,
        (permissions, denied, limited, permission) => {
          const scoped = limited?.some((scope) => SCOPES[scope].some((pattern) => covers(pattern, permission))) ?? true
          const expected =
            permissions.some((pattern) => covers(pattern, permission)) &&
            !denied.some((pattern) => covers(pattern, permission)) &&
            scoped
          const who = principal(permissions, { denied, ...(limited && { scopes: limited }) })
          // Asked twice: the second answer comes from memory.
          expect([can(who, permission), can(who, permission)]).toEqual([expected, expected])
        },
      ),
      { numRuns: 3_000 },
    )
  })
})

test('answers are remembered without end to the questions', () => {
  const who = principal(['users:read:trader:{id}'])
  for (let id = 0; id < 2_000; id++) expect(can(who, `users:read:trader:${id}`)).toBe(true)
  expect(can(who, 'users:read:merchant:1')).toBe(false)
})
