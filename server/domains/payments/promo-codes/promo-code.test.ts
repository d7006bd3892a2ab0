import { describe, expect, test } from 'vitest'
import { DAY_MS } from '#test/support/promo-codes.ts'
import { lastsUntil, mayRedeem, type PromoCode, readCode, stateOf } from './promo-code.ts'

test.each([
  ['WELCOME10', 'WELCOME10'],
  ['  welcome-10 ', 'WELCOME-10'],
  ['abcd', 'ABCD'],
  ['a'.repeat(32), 'A'.repeat(32)],
  ['abc', undefined],
  ['a'.repeat(33), undefined],
  ['-abcd', undefined],
  ['abcd-', undefined],
  ['ab cd', undefined],
  ['wełcome', undefined],
  ['ıııı', undefined],
  ['', undefined],
])('%j is read as %j', (text, code) => {
  expect(readCode(text)).toBe(code)
})

describe('by its limits', () => {
  const now = new Date('2026-05-10T12:00:00Z')
  const [before, after] = [new Date(now.getTime() - 1), new Date(now.getTime() + 1)]
  const code: PromoCode = {
    ...{ id: 1n, code: 'ABCD', kind: 'discount', asset: 'USD', amount: null, discount_id: 1n, discount_bp: 1n },
    ...{ below_margin: false, deposit_min: null, percent_bp: null, amount_max: null, days: 2, holds_until: null },
    ...{ redemptions: 0, redemptions_max: null, registered_from: null, registered_until: null },
    ...{ starts_at: now, ends_at: null, ended_at: null, created_at: now, created_by: 9n },
  }

  test.each<[string, Partial<PromoCode>]>([
    ['open', {}],
    ['coming', { starts_at: after }],
    ['open', { ends_at: after }],
    ['ended', { ends_at: now }],
    ['ended', { ended_at: after }],
    ['open', { redemptions: 1, redemptions_max: 2 }],
    ['used_up', { redemptions: 2, redemptions_max: 2 }],
    ['ended', { redemptions: 2, redemptions_max: 2, ended_at: before }],
  ])('a code is %s with %j', (state, changes) => {
    expect(stateOf({ ...code, ...changes }, now)).toBe(state)
  })

  test.each<[boolean, Partial<PromoCode>, { maker?: boolean; registered_at?: Date }]>([
    [true, {}, {}],
    [false, { starts_at: after }, {}],
    [false, {}, { maker: true }],
    [true, { registered_from: before }, { registered_at: before }],
    [false, { registered_from: now }, { registered_at: before }],
    [true, { registered_until: now }, { registered_at: before }],
    [false, { registered_until: before }, { registered_at: before }],
    [false, { holds_until: now }, {}],
    [true, { holds_until: after }, {}],
  ])('whether one may be redeemed is %j with %j by %j', (may, changes, { maker, registered_at = now }) => {
    expect(mayRedeem({ ...code, ...changes }, { id: maker ? 9n : 7n, registered_at }, now)).toBe(may)
  })

  test('one holds for its days, and not beyond its fixed end', () => {
    const two_days = new Date(now.getTime() + 2 * DAY_MS)
    expect(lastsUntil(code, now)).toEqual(two_days)
    expect(lastsUntil({ days: 2, holds_until: after }, now)).toEqual(after)
    expect(lastsUntil({ days: 2, holds_until: new Date(two_days.getTime() + 1) }, now)).toEqual(two_days)
    expect(lastsUntil({ days: null, holds_until: null }, now)).toBeNull()
  })
})
