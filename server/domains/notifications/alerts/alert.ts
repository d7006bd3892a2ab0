import type { AlertKind, Data } from '../texts/kinds.ts'

/** An alert, from the first sign to the all-clear. */
export interface Alert {
  id: bigint
  kind: AlertKind
  /** What it is about, where there can be several: `provider:3`. */
  subject: string
  data: Data
  raised_at: Date
  last_seen_at: Date
  count: bigint
  /** Null while it may still be a passing moment. */
  told_at: Date | null
  tellings: number
  next_tell_at: Date | null
  good_since: Date | null
  cleared_at: Date | null
  acknowledged_at: Date | null
  acknowledged_by: bigint | null
}

export const ALERT_COLUMNS = `a.id, a.kind, a.subject, a.data, a.raised_at, a.last_seen_at, a.count, a.told_at, a.tellings, a.next_tell_at,
  a.good_since, a.cleared_at, a.acknowledged_at, a.acknowledged_by`

const MINUTE_MS = 60_000

/** What does not pass by itself: the books are wrong, a key may be in other hands. */
const AT_ONCE: readonly AlertKind[] = ['alert_ledger_unsound', 'alert_ledger_unproven', 'alert_api_key_suspended']

/** What comes and goes by itself is told when it has lasted, all else at once. */
export function graceOf(kind: AlertKind): number {
  return AT_ONCE.includes(kind) ? 0 : 2 * MINUTE_MS
}

/** It must have been well for so long before staff are told so: what flaps is one alert and not many. */
export const CALM_MS = 3 * MINUTE_MS

/** Told again while nobody has acknowledged it, further and further apart. */
const REPEATS_MS = [30, 120, 360, 1_440].map((minutes) => minutes * MINUTE_MS)

/** How long after the telling of this number the next one is. */
export function repeatAfter(telling: number): number {
  return REPEATS_MS[Math.min(telling, REPEATS_MS.length) - 1] ?? MINUTE_MS
}
