/** What the clocks of a time zone show. */
export interface ClockReading {
  year: number
  /** 1 to 12. */
  month: number
  day: number
  hour: number
  minute: number
  second: number
}

/** No more clocks are kept than there are zones: names may be written in any case, and anyone may make them up. */
const CLOCKS_MAX = 1_000

/** Clocks that were asked: making one takes many times as long as reading it. */
const clocks = new Map<string, Intl.DateTimeFormat>()

/** Whether clocks know this zone, by its IANA name. */
export function isTimeZone(name: string): boolean {
  return timeZoneNamed(name) !== undefined
}

/** The zone under the name that this machine has for it; undefined where it knows none. */
export function timeZoneNamed(name: string): string | undefined {
  try {
    return clockOf(name).resolvedOptions().timeZone
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

/** What the clocks of the zone show at a moment. Throws RangeError for no time zone. */
export function clockAt(at: Date, time_zone: string): ClockReading {
  const reading: ClockReading = { year: 0, month: 0, day: 0, hour: 0, minute: 0, second: 0 }
  for (const { type, value } of clockOf(time_zone).formatToParts(at)) {
    if (type in reading) reading[type as keyof ClockReading] = Number(value)
  }
  return reading
}

function clockOf(time_zone: string): Intl.DateTimeFormat {
  const known = clocks.get(time_zone)
  if (known) return known
  const made = new Intl.DateTimeFormat('en-US', {
    timeZone: time_zone,
    calendar: 'gregory',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  if (clocks.size < CLOCKS_MAX) clocks.set(time_zone, made)
  return made
}
