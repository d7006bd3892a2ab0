import { invariant } from './invariant.ts'

/** How waits between tries grow. */
export interface Backoff {
  /** The wait before the second try. */
  readonly base_ms: number
  /** No wait is longer. */
  readonly max_ms: number
  /** How many times the one before each wait is; 2 without it. */
  readonly factor?: number
}

/**
 * The wait in milliseconds after `failures` failures in a row (1 and more): grows by `factor` with each up to `max_ms`, and lies at random
 * between half of that and all of it, so that those who failed together do not return together. `random` answers 0 to below 1.
 */
export function backoff_ms(failures: number, backoff: Backoff, random: () => number = Math.random): number {
  invariant(Number.isInteger(failures) && failures >= 1, 'backoff_ms: failures count from 1')
  const { base_ms, max_ms, factor = 2 } = backoff
  const whole = Math.min(max_ms, base_ms * factor ** Math.min(failures - 1, EXPONENT_MAX))
  return Math.round(whole / 2 + (random() * whole) / 2)
}

/** Beyond this every `max_ms` in use has long been reached, and the power stays finite. */
const EXPONENT_MAX = 40

/** `whole_ms`, up to `share` of it more or less at random, so that those who wait for the same time do not come together. `random` answers 0 to below 1. */
export function jittered_ms(whole_ms: number, share: number, random: () => number = Math.random): number {
  return Math.round(whole_ms * (1 - share + 2 * share * random()))
}
