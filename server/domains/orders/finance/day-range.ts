import { DaysRefusedError } from './errors.ts'
import { DAYS_MAX, type DayRange } from './queries.ts'

const DAY_MS = 86_400_000

/** What is shown to whoever names no days: the last thirty. */
const DAYS_DEFAULT = 30

/** The days asked for, both included, in UTC: until today without `to`, and the last thirty of them without `from`. Throws DaysRefusedError, beyond `days_max` too. */
export function dayRange(
  asked: { from?: string | undefined; to?: string | undefined },
  now: Date,
  days_max = DAYS_MAX,
): DayRange {
  const to = asked.to ?? dayOf(now.getTime())
  const from = asked.from ?? dayOf(Date.parse(to) - (DAYS_DEFAULT - 1) * DAY_MS)
  const days = (Date.parse(to) - Date.parse(from)) / DAY_MS + 1
  if (days < 1 || days > days_max) throw new DaysRefusedError(days_max)
  return { from, to }
}

function dayOf(time_ms: number): string {
  return new Date(time_ms).toISOString().slice(0, 10)
}
