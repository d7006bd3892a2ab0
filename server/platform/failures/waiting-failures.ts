import type { Failure } from '../telemetry/failures.ts'
import { type DescribedFailure, describeFailure } from './describe-failure.ts'

/** Different failures that wait at once. There are as many as there are places in the code at fault; more are dropped and counted. */
const WAITING_MAX = 200

/** What occurred of one failure since the last write: the last occurrence, and how many. */
export interface Occurrences extends DescribedFailure {
  kind: Failure['kind']
  name: string
  correlation: Failure['correlation']
  count: number
  first_at: Date
  last_at: Date
}

/** A failure that occurred once. */
export function occurrenceOf(failure: Failure, at: Date): Occurrences {
  const { kind, name, correlation } = failure
  return { ...describeFailure(failure), kind, name, correlation, count: 1, first_at: at, last_at: at }
}

/** Failures that wait to be written, grouped. */
export class WaitingFailures {
  #byFingerprint = new Map<string, Occurrences>()

  get size(): number {
    return this.#byFingerprint.size
  }

  /** False when there is no room. */
  add(more: Occurrences): boolean {
    const known = this.#byFingerprint.get(more.fingerprint)
    if (!known && this.size >= WAITING_MAX) return false
    this.#byFingerprint.set(more.fingerprint, known ? together(known, more) : more)
    return true
  }

  /** All that wait; none waits afterwards. */
  takeAll(): Occurrences[] {
    const all = [...this.#byFingerprint.values()]
    this.#byFingerprint = new Map()
    return all
  }
}

/** Of the two the later is the sample. */
function together(a: Occurrences, b: Occurrences): Occurrences {
  const later = a.last_at <= b.last_at ? b : a
  const first_at = a.first_at <= b.first_at ? a.first_at : b.first_at
  return { ...later, count: a.count + b.count, first_at }
}
