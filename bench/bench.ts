import type { OpenApp } from '#server/app.ts'

/** What a bench is given. */
export interface BenchContext {
  /** Opened on the bench's own, migrated database. */
  readonly app: OpenApp
  /** The database's URL, for more connections or processes. */
  readonly url: string
  /** Transactions a second of the yardstick on this server, measured just before. */
  readonly yardstick_tps: number
  /** Tells those who wait what is being done. */
  readonly say: (text: string) => void
  /** For how many seconds the steady part runs, of a bench that has one. */
  readonly steady_s: number
}

/** One thing to measure. Answers its figures by name; throws when what it ran on came out wrong. */
export interface Bench {
  readonly summary: string
  /** For how many seconds its steady part runs unless asked otherwise; absent where there is none to be made longer. */
  readonly steady_s?: number
  run(context: BenchContext): Promise<Record<string, unknown>>
}

/** A figure as it is told: two decimals are more than a run repeats. */
export function rounded(value: number): number {
  return Math.round(value * 100) / 100
}

/** The value below which `share` of the sorted values lie. */
export function percentile(sorted: ArrayLike<number>, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}
