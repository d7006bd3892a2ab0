import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeJson, encodeJson, restoreBigints } from './json.ts'

const value = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.string(),
    fc.bigInt(),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value')),
    fc.dictionary(
      fc.string().filter((name) => name !== '__proto__'),
      tie('value'),
    ),
  ),
})).value

test('what was written is read back, bigint included', () => {
  fc.assert(
    fc.property(value, (written) => {
      expect(decodeJson(encodeJson(written))).toEqual(written)
      expect(restoreBigints(JSON.parse(encodeJson(written)))).toEqual(written)
    }),
  )
})

test('an amount beyond what a number holds stays whole', () => {
  const amount = 2n ** 63n - 1n
  expect(decodeJson(encodeJson({ amount, list: [amount, -amount] }))).toEqual({ amount, list: [amount, -amount] })
})

test('what only resembles a tagged bigint is left alone', () => {
  const others = [{ $bigint: 'twelve' }, { $bigint: 12 }, { $bigint: '1', more: 1 }]
  expect(decodeJson(JSON.stringify(others))).toEqual(others)
})

test('undefined is written as null', () => {
  expect([encodeJson(undefined), encodeJson([undefined])]).toEqual(['null', '[null]'])
})
