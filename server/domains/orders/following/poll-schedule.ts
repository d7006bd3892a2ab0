const FIRST_MS = 3_000
const LONGEST_MS = 30 * 60_000
const SHARE_OF_AGE = 10
const FAILED_CHECKS_COUNTED = 8

/**
 * How long to wait before the provider is asked about an order again, in milliseconds: a tenth of the time since it was accepted, so often for the young
 * and rarely for the old, within 3 seconds and 30 minutes; doubled for each check in a row that told nothing.
 */
export function nextCheck_ms(age_ms: number, failed_checks: number): number {
  const wait_ms = Math.max(FIRST_MS, age_ms / SHARE_OF_AGE) * 2 ** Math.min(failed_checks, FAILED_CHECKS_COUNTED)
  return Math.min(wait_ms, LONGEST_MS)
}
