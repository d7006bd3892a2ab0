import { expect, test } from 'vitest'
import { forecastOf } from './forecast.ts'

const NOW = new Date('2026-11-20T12:30:00Z')
const hour = (at: number, cost: bigint) => ({ hour: new Date(Date.UTC(2026, 10, 20, at)), cost })

test.each([
  ['nothing spent lasts for ever', 100n, [], { spent_per_hour: 0n, hours_left: null }],
  ['what came back is no spending', 100n, [hour(11, -5n)], { spent_per_hour: 0n, hours_left: null }],
  // 65 in six hours and a half.
  [
    'an even day',
    95n,
    [6, 7, 8, 9, 10, 11].map((at) => hour(at, 10n)).concat(hour(12, 5n)),
    { spent_per_hour: 10n, hours_left: 9 },
  ],
  ['a rush that has just begun counts at once', 95n, [hour(12, 30n)], { spent_per_hour: 20n, hours_left: 4 }],
  [
    'a lull does not call off the day',
    95n,
    [6, 7, 8, 9, 10].map((at) => hour(at, 13n)),
    { spent_per_hour: 10n, hours_left: 9 },
  ],
  ['older hours say nothing', 95n, [hour(5, 1_000n)], { spent_per_hour: 0n, hours_left: null }],
  ['a balance that is gone lasts no hour', -5n, [hour(12, 1n)], { spent_per_hour: 1n, hours_left: 0 }],
  ['an hour that has just begun is no rate', 7n, [hour(12, 1n)], { spent_per_hour: 1n, hours_left: 7 }],
])('%s', (_, balance, hours, forecast) => {
  expect(forecastOf(balance, hours, NOW)).toEqual(forecast)
})

test('what lasts beyond all plans is told as a year and more', () => {
  expect(forecastOf(10n ** 18n, [hour(12, 1n)], NOW).hours_left).toBe(9_999)
})
