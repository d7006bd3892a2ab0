import { expect, test } from 'vitest'
import { IdempotencyKeyInvalidError } from './errors.ts'
import { idempotencyKeyOf } from './idempotency-key.ts'

const sent = (...values: string[]) => ({
  headers: values.length === 0 ? {} : { 'idempotency-key': values.join(', ') },
  rawHeaders: values.flatMap((value) => ['Idempotency-Key', value]),
})

test('a key is the same bare and quoted, and what is not quite quoted is bare', () => {
  const cases: [string, string][] = [
    ['abc', 'abc'],
    ['"abc"', 'abc'],
    ['"a\\"b\\\\c"', 'a"b\\c'],
    ['"abc', '"abc'],
    ['"a"b"', '"a"b"'],
    ['a, b', 'a, b'],
    [`"${'k'.repeat(255)}"`, 'k'.repeat(255)],
  ]
  for (const [header, key] of cases) expect([header, idempotencyKeyOf(sent(header))]).toEqual([header, key])
  expect(idempotencyKeyOf(sent())).toBe(undefined)
})

test('what is no key, or two of them, is refused', () => {
  const headers = [[''], ['""'], ['k'.repeat(256)], ['a\tb'], ['k\u00e9y'], ['a', 'b'], ['a', 'a']]
  for (const header of headers) expect(() => idempotencyKeyOf(sent(...header))).toThrow(IdempotencyKeyInvalidError)
})
