import { clockAt } from '#server/kit/time-zone.ts'

/** A calendar day, from its beginning to the next one's. */
export interface Day {
  began: Date
  ends: Date
}

/** The calendar day of `now` in a time zone, by its IANA name. It has 23 or 25 hours where the clocks change. Throws RangeError for no time zone. */
export function dayAround(now: Date, time_zone: string): Day {
  const { year, month, day } = clockAt(now, time_zone)
  return { began: midnight(year, month, day, time_zone), ends: midnight(year, month, day + 1, time_zone) }
}

/** The day that a figure counts from, as of `now`: undefined while the stored one lasts, else the present one. Days never overlap, whatever the zone was. */
export function dayAsOf(
  stored: { day_began: Date; day_ends: Date },
  now: Date,
  time_zone: string,
): { day_began: Date; day_ends: Date } | undefined {
  if (now < stored.day_ends) return undefined
  const { began, ends } = dayAround(now, time_zone)
  return { day_began: began > stored.day_ends ? began : stored.day_ends, day_ends: ends }
}

/** When the day begins there: found by how far its wall clock is from UTC, which is asked twice since it may change in between. */
function midnight(year: number, month: number, day: number, time_zone: string): Date {
  const wall_ms = Date.UTC(year, month - 1, day)
  const first = new Date(wall_ms - offsetOf(new Date(wall_ms), time_zone))
  return new Date(wall_ms - offsetOf(first, time_zone))
}

function offsetOf(at: Date, time_zone: string): number {
  const { year, month, day, hour, minute, second } = clockAt(at, time_zone)
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(at.getTime() / 1_000) * 1_000
}
