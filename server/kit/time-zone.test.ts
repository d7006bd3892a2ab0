import { expect, test } from 'vitest'
import { clockAt, isTimeZone, timeZoneNamed } from './time-zone.ts'

test.each([
  ['2026-11-24T18:00:05Z', 'Asia/Dhaka', [2026, 11, 25, 0, 0, 5]],
  ['2026-11-24T18:00:00Z', 'UTC', [2026, 11, 24, 18, 0, 0]],
  ['2026-03-29T00:59:59Z', 'Europe/Berlin', [2026, 3, 29, 1, 59, 59]],
  ['2026-03-29T01:00:00Z', 'Europe/Berlin', [2026, 3, 29, 3, 0, 0]],
  ['2026-06-01T12:00:00Z', 'Asia/Kathmandu', [2026, 6, 1, 17, 45, 0]],
])('at %s the clocks of %s show %j', (at, zone, [year, month, day, hour, minute, second]) => {
  expect(clockAt(new Date(at), zone)).toEqual({ year, month, day, hour, minute, second })
})

test('zones have one name, however they are written, and what is none is told', () => {
  expect(timeZoneNamed('asia/dhaka')).toBe('Asia/Dhaka')
  for (const zone of ['Europe/Berlin', 'UTC', 'europe/moscow']) expect(isTimeZone(zone)).toBe(true)
  for (const none of ['', 'Mars/Olympus', 'Asia/Dhaka\0', 'x'.repeat(1_000)]) expect(isTimeZone(none)).toBe(false)
  expect(() => clockAt(new Date(), 'Mars/Olympus')).toThrow(RangeError)
})
