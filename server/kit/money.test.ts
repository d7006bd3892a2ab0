import fc from 'fast-check'
import { expect, test } from 'vitest'
import { InvariantError } from './invariant.ts'
import { AMOUNT_MAX, chargeFor, formatAmount, parseAmount, shareUp } from './money.ts'

const amount = fc.bigInt({ min: 0n, max: AMOUNT_MAX })
const signed = fc.bigInt({ min: -AMOUNT_MAX, max: AMOUNT_MAX })
const scale = fc.integer({ min: 0, max: 18 })

test('what was formatted is read back to the unit', () => {
  fc.assert(
    fc.property(signed, scale, fc.integer({ min: 0, max: 18 }), (minor, digits, min_digits) => {
      expect(parseAmount(formatAmount(minor, digits, min_digits), digits)).toBe(minor)
    }),
  )
})

test('formats a plain decimal without needless zeros', () => {
  expect(formatAmount(278_190n, 6)).toBe('0.27819')
  expect(formatAmount(-1_500_000n, 6)).toBe('-1.5')
  expect(formatAmount(2_000_000n, 6)).toBe('2')
  expect(formatAmount(2_000_000n, 6, 2)).toBe('2.00')
  expect(formatAmount(0n, 6)).toBe('0')
  expect(formatAmount(7n, 0)).toBe('7')
  expect(formatAmount(9_007_199_254_740_993n, 6)).toBe('9007199254.740993')
})

test('a sign may stand before the figure, and white space around it: a plus changes nothing', () => {
  for (const text of ['5', '+5', ' +5 ', '5.', '05', '+5.000000'])
    expect([text, parseAmount(text, 6)]).toEqual([text, 5_000_000n])
  for (const text of ['-5', ' -5.0']) expect([text, parseAmount(text, 6)]).toEqual([text, -5_000_000n])
  for (const text of ['+', '-', '+-5', '++5', '+ 5', '5+', '5-'])
    expect([text, parseAmount(text, 6)]).toEqual([text, undefined])
  for (const text of ['0', '+0', '-0']) expect([text, parseAmount(text, 6)]).toEqual([text, 0n])
})

test('digits beyond the scale are rounded half up, away from zero', () => {
  expect(parseAmount('0.0000005', 6)).toBe(1n)
  expect(parseAmount('0.00000049999', 6)).toBe(0n)
  expect(parseAmount('-0.0000005', 6)).toBe(-1n)
  expect(parseAmount('1.9999995', 6)).toBe(2_000_000n)
})

test('rounding on reading errs by half a unit at most', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 10n ** 18n }), fc.integer({ min: 0, max: 6 }), (fine, digits) => {
      const read = parseAmount(formatAmount(fine, 12), digits)
      const unit = 10n ** BigInt(12 - digits)
      const error = (read ?? -1n) * unit - fine
      expect(2n * error).toBeLessThanOrEqual(unit)
      expect(2n * error).toBeGreaterThan(-unit)
    }),
  )
})

test('what is no decimal, or too large, is not read', () => {
  const refused = [
    '',
    ' ',
    '.',
    '.5',
    '1e5',
    '0x10',
    'NaN',
    'Infinity',
    '1,000',
    '1 000',
    '--1',
    '1.2.3',
    '１',
    '1'.repeat(31),
  ]
  for (const text of refused) expect([text, parseAmount(text, 6)]).toEqual([text, undefined])
  expect(parseAmount('9223372036854.775807', 6)).toBe(AMOUNT_MAX)
  expect(parseAmount('9223372036854.7758075', 6)).toBeUndefined()
  expect(parseAmount('9223372036854.775808', 6)).toBeUndefined()
})

test('any text is either refused or read within the bounds', () => {
  fc.assert(
    fc.property(fc.string(), scale, (text, digits) => {
      const read = parseAmount(text, digits)
      expect(read === undefined || (read <= AMOUNT_MAX && read >= -AMOUNT_MAX)).toBe(true)
    }),
  )
})

test('a share is never below the exact share and exceeds it by less than a unit', () => {
  fc.assert(
    fc.property(amount, amount, fc.bigInt({ min: 1n, max: AMOUNT_MAX }), (whole, numerator, denominator) => {
      const over = shareUp(whole, numerator, denominator) * denominator - whole * numerator
      expect(over).toBeGreaterThanOrEqual(0n)
      expect(over).toBeLessThan(denominator)
    }),
  )
})

test('the share delivered and the share returned never exceed the whole by a unit', () => {
  const parts = fc
    .tuple(amount, fc.bigInt({ min: 1n, max: 10n ** 12n }))
    .chain(([whole, quantity]) =>
      fc.tuple(fc.constant(whole), fc.constant(quantity), fc.bigInt({ min: 0n, max: quantity })),
    )
  fc.assert(
    fc.property(parts, ([whole, quantity, delivered]) => {
      const captured = shareUp(whole, delivered, quantity)
      expect(captured).toBeGreaterThanOrEqual(0n)
      expect(captured).toBeLessThanOrEqual(whole)
      if (delivered === quantity) expect(captured).toBe(whole)
      if (delivered === 0n) expect(captured).toBe(0n)
    }),
  )
})

test('more delivered never costs less', () => {
  const quantity = fc.bigInt({ min: 0n, max: 10n ** 12n })
  fc.assert(
    fc.property(amount, quantity, quantity, (rate, a, b) => {
      const [fewer, more] = a < b ? [a, b] : [b, a]
      expect(chargeFor(rate, fewer)).toBeLessThanOrEqual(chargeFor(rate, more))
    }),
  )
})

test('a charge is the rate per thousand, rounded up to the unit', () => {
  expect(chargeFor(900_000n, 1000n)).toBe(900_000n)
  expect(chargeFor(1n, 1n)).toBe(1n)
  expect(chargeFor(1n, 1001n)).toBe(2n)
  expect(chargeFor(0n, 1000n)).toBe(0n)
})

test('a negative amount and an empty whole are defects of the caller', () => {
  expect(() => shareUp(-1n, 1n, 1n)).toThrow(InvariantError)
  expect(() => shareUp(1n, -1n, 1n)).toThrow(InvariantError)
  expect(() => shareUp(1n, 1n, 0n)).toThrow(InvariantError)
})
