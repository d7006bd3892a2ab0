import { expect, test } from 'vitest'
import { nextCheck_ms } from './poll-schedule.ts'

const MINUTE_MS = 60_000

test.each([
  [0, 0, 3_000],
  [10_000, 0, 3_000],
  [30_000, 0, 3_000],
  [10 * MINUTE_MS, 0, MINUTE_MS],
  [60 * MINUTE_MS, 0, 6 * MINUTE_MS],
  [5 * 60 * MINUTE_MS, 0, 30 * MINUTE_MS],
  [365 * 24 * 60 * MINUTE_MS, 0, 30 * MINUTE_MS],
  [0, 1, 6_000],
  [0, 3, 24_000],
  [10 * MINUTE_MS, 2, 4 * MINUTE_MS],
  [0, 30_000, 768_000],
  [60 * MINUTE_MS, 30_000, 30 * MINUTE_MS],
])('an order of %d ms after %d checks that told nothing is asked about after %d ms', (age_ms, failed, wait_ms) => {
  expect(nextCheck_ms(age_ms, failed)).toBe(wait_ms)
})

test('an order accepted in the future, by a clock that runs ahead, is asked about soon', () => {
  expect(nextCheck_ms(-100_000, 0)).toBe(3_000)
})
