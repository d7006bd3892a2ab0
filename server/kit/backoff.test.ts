import fc from 'fast-check'
import { expect, test } from 'vitest'
import { backoff_ms, jittered_ms } from './backoff.ts'

const LIMITS = { base_ms: 100, max_ms: 10_000 }

test('doubles with each failure and stops at the longest wait', () => {
  const longest = [1, 2, 3, 7, 8, 1000].map((failures) => backoff_ms(failures, LIMITS, () => 1))
  expect(longest).toEqual([100, 200, 400, 6400, 10_000, 10_000])
})

test('grows by another factor, or not at all', () => {
  const waits = (factor: number) => [1, 2, 3, 4, 400].map((n) => backoff_ms(n, { ...LIMITS, factor }, () => 1))
  expect(waits(3)).toEqual([100, 300, 900, 2700, 10_000])
  expect(waits(1)).toEqual([100, 100, 100, 100, 100])
  expect(waits(10)).toEqual([100, 1_000, 10_000, 10_000, 10_000])
})

test('the wait lies between half and the whole', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 10_000 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (failures, random) => {
        const wait_ms = backoff_ms(failures, LIMITS, () => random)
        const whole_ms = backoff_ms(failures, LIMITS, () => 1)
        expect(wait_ms).toBeGreaterThanOrEqual(whole_ms / 2)
        expect(wait_ms).toBeLessThanOrEqual(whole_ms)
      },
    ),
  )
})

test('refuses a count of failures below one', () => {
  expect(() => backoff_ms(0, LIMITS)).toThrow('failures count from 1')
})

test('a wait lies within its share of jitter', () => {
  expect([0, 0.5, 0.999].map((random) => jittered_ms(1_000, 0.2, () => random))).toEqual([800, 1_000, 1_200])
  expect(jittered_ms(0, 0.2)).toBe(0)
})
