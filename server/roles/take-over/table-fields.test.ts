import { expect, test } from 'vitest'
import { FieldError, isYes, optionalAmount, optionalMoment, optionalText, optionalWhole } from './table-fields.ts'

const NOW = new Date('2026-01-01T00:00:00Z')

test.each([
  ['2024-05-01', '2024-05-01T00:00:00.000Z'],
  ['2024-05-01 10:00:00', '2024-05-01T10:00:00.000Z'],
  ['2024-05-01 10:00:00.123456', '2024-05-01T10:00:00.123Z'],
  ['2024-05-01T10:00:00Z', '2024-05-01T10:00:00.000Z'],
  ['2024-05-01 10:00:00+02', '2024-05-01T08:00:00.000Z'],
  ['2024-05-01 10:00:00.5-05', '2024-05-01T15:00:00.500Z'],
  ['2024-05-01 10:00:00+05:30', '2024-05-01T04:30:00.000Z'],
  ['2024-05-01T10:00:00+0530', '2024-05-01T04:30:00.000Z'],
])('%s is a moment', (text, expected) => {
  expect(optionalMoment({ at: text }, 'at', NOW)?.toISOString()).toBe(expected)
})

test.each(['', 'NULL', '\\N', ' '])('%j is no value', (text) => {
  expect(optionalMoment({ at: text }, 'at', NOW)).toBeUndefined()
  expect(optionalText({ at: text }, 'at', 5)).toBeUndefined()
  expect(optionalAmount({}, 'at', 6)).toBeUndefined()
  expect(isYes({ at: text }, 'at')).toBe(false)
})

test.each([
  () => optionalMoment({ at: 'yesterday' }, 'at', NOW),
  () => optionalMoment({ at: '2026-01-01 00:00:01' }, 'at', NOW),
  () => optionalMoment({ at: '2024-13-01' }, 'at', NOW),
  () => optionalWhole({ n: '1.5' }, 'n'),
  () => optionalWhole({ n: '1e3' }, 'n'),
  () => optionalAmount({ n: '1,50' }, 'n', 6),
  () => optionalText({ n: 'ab' }, 'n', 1),
  () => optionalText({ n: 'a\0' }, 'n', 9),
  () => isYes({ n: 'perhaps' }, 'n'),
])('what makes no sense is refused by its field: %s', (read) => {
  expect(read).toThrow(FieldError)
  expect(read).toThrow(/^(at|n): /)
})

test('a whole number may be written with empty decimals, and below zero', () => {
  expect([optionalWhole({ n: '50.00' }, 'n'), optionalWhole({ n: '-5' }, 'n')]).toEqual([50n, -5n])
})
