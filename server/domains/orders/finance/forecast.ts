/** How far back it is looked. */
export const FORECAST_HOURS = 6

const HOUR_MS = 3_600_000

/** How fast a balance runs down, and for how long it lasts if that goes on. */
export interface Forecast {
  /** Minor units an hour, rounded up. */
  spent_per_hour: bigint
  /** Whole hours, cut; null where nothing is spent. */
  hours_left: number | null
}

/** What a provider took in an hour, which begins at `hour`. */
export interface HourCost {
  hour: Date
  cost: bigint
}

/** Beyond this nobody plans. */
const HOURS_MAX = 9_999

/**
 * For how long `balance` lasts at the rate of the last six hours, or of the last one or two where that is faster: a rush that has just begun counts at once, and a lull does not call
 * off what the day is like. Pure. `hours` are those of the last FORECAST_HOURS and the one at hand; a balance at or below zero lasts no hour.
 */
export function forecastOf(balance: bigint, hours: readonly HourCost[], now: Date): Forecast {
  const at_hand_ms = now.getTime() - (now.getTime() % HOUR_MS)
  const rates = [FORECAST_HOURS, 1].map((back) => {
    const since_ms = at_hand_ms - back * HOUR_MS
    const spent = hours.reduce((sum, { hour, cost }) => (hour.getTime() >= since_ms ? sum + cost : sum), 0n)
    return perHour(spent, now.getTime() - since_ms)
  })
  const spent_per_hour = rates.reduce((fastest, rate) => (rate > fastest ? rate : fastest), 0n)
  if (spent_per_hour === 0n) return { spent_per_hour, hours_left: null }
  const hours_left = balance <= 0n ? 0 : Number(balance / spent_per_hour)
  return { spent_per_hour, hours_left: Math.min(hours_left, HOURS_MAX) }
}

function perHour(spent: bigint, elapsed_ms: number): bigint {
  if (spent <= 0n) return 0n
  const elapsed = BigInt(Math.max(1, elapsed_ms))
  return (spent * BigInt(HOUR_MS) + elapsed - 1n) / elapsed
}
