import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { can, covers, type Principal, type Scope } from './principal.ts'

const CUSTOMER = ['services:read', 'orders:*:own']

describe('a pattern', () => {
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
    ['orders:place:own', 'orders:place:own', true],
    ['orders:place:own', 'orders:place', false],
    ['orders:place', 'orders:place:own', false],
    ['users:edit:trader:42', 'users:edit:trader:42', true],
    ['users:edit:trader:42', 'users:edit:trader:421', false],
    ['users:edit:trader:*', 'users:edit:trader:7', true],
    ['', 'orders:place:own', false],
    ['*', '', false],
    ['*', 'orders:*', false],
    ['*', 'orders::own', false],
  ])('%s covers %s: %s', (granted, needed, expected) => {
    expect(covers(granted, needed)).toBe(expected)
  })

  test('without a star covers itself alone', () => {
    const word = fc.stringMatching(/^[a-z-]{1,6}$/)
    const path = fc.array(word, { minLength: 1, maxLength: 4 }).map((words) => words.join(':'))
    fc.assert(fc.property(path, path, (a, b) => covers(a, b) === (a === b) && covers(a, a) && covers('*', a)))
  })
})

describe('a principal', () => {
  test.each<[Principal['via'], string[], Scope[], string, boolean]>([
    ['session', CUSTOMER, ['*'], 'orders:place:own', true],
    ['session', CUSTOMER, ['*'], 'orders:place:any', false],
    ['session', [], ['*'], 'services:read', false],
    ['session', ['api-keys:*:own'], ['*'], 'api-keys:create:own', true],
    ['key', CUSTOMER, ['*'], 'orders:place:own', true],
    ['key', CUSTOMER, ['*'], 'orders:place:any', false],
    ['key', CUSTOMER, ['read'], 'orders:read:own', true],
    ['key', CUSTOMER, ['read'], 'services:read', true],
    ['key', CUSTOMER, ['read'], 'orders:place:own', false],
    ['key', CUSTOMER, ['order'], 'orders:place:own', true],
    ['key', CUSTOMER, ['order'], 'orders:cancel:own', true],
    ['key', CUSTOMER, ['order'], 'orders:read:own', false],
    ['key', CUSTOMER, ['read', 'order'], 'orders:read:own', true],
    ['key', CUSTOMER, [], 'services:read', false],
    ['key', ['*'], ['*'], 'users:edit', true],
    ['key', ['*'], ['order'], 'users:edit', false],
    ['key', ['*'], ['*'], 'api-keys:create:own', false],
    ['key', ['*'], ['read'], 'api-keys:read:own', false],
    ['key', ['*'], ['*'], 'sessions:end:own', false],
  ])('via %s with %j and scopes %j: %s is %s', (via, permissions, scopes, needed, expected) => {
    const principal: Principal = {
      user_id: 1n,
      role: 'customer',
      permissions,
      via,
      key_id: via === 'key' ? 1n : undefined,
      scopes,
      legacy_get: false,
    }
    expect(can(principal, needed)).toBe(expected)
  })
})
