import { expect, test } from 'vitest'
import { dayAround } from './day.ts'

test.each([
  ['2026-11-24T10:00:00Z', 'UTC', '2026-11-24T00:00:00Z', '2026-11-25T00:00:00Z'],
  ['2026-11-24T00:00:00Z', 'UTC', '2026-11-24T00:00:00Z', '2026-11-25T00:00:00Z'],
  ['2026-11-24T23:59:59.999Z', 'UTC', '2026-11-24T00:00:00Z', '2026-11-25T00:00:00Z'],
  ['2026-11-24T18:00:00Z', 'Asia/Dhaka', '2026-11-24T18:00:00Z', '2026-11-25T18:00:00Z'],
  ['2026-11-24T17:59:59Z', 'Asia/Dhaka', '2026-11-23T18:00:00Z', '2026-11-24T18:00:00Z'],
  ['2026-12-31T22:00:00Z', 'Europe/Moscow', '2026-12-31T21:00:00Z', '2027-01-01T21:00:00Z'],
  // 23 and 25 hours.
  ['2026-03-29T12:00:00Z', 'Europe/Berlin', '2026-03-28T23:00:00Z', '2026-03-29T22:00:00Z'],
  ['2026-10-25T12:00:00Z', 'Europe/Berlin', '2026-10-24T22:00:00Z', '2026-10-25T23:00:00Z'],
  ['2026-06-01T12:00:00Z', 'Asia/Kathmandu', '2026-05-31T18:15:00Z', '2026-06-01T18:15:00Z'],
])('at %s the day in %s goes from %s to %s', (now, zone, began, ends) => {
  expect(dayAround(new Date(now), zone)).toEqual({ began: new Date(began), ends: new Date(ends) })
})
