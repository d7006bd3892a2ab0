import { type CorrelationIds, correlationIds } from './correlation.ts'

/** Something failed that nobody foresaw. Refusals that a caller may meet are none. */
export interface Failure {
  /** Where it was met. */
  readonly kind: 'request' | 'job' | 'event' | 'loop' | 'chore' | 'process'
  /** Which: a route, a job, a type of event, a loop. */
  readonly name: string
  readonly error: unknown
  /** What to look for in the logs. */
  readonly correlation: CorrelationIds
}

type Listener = (failure: Failure) => void

const listeners = new Set<Listener>()

/** Calls `listener` with each failure that this process reports; it must be quick. Answers how to stop that. */
export function onFailure(listener: Listener): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/**
 * Tells of a failure, beside logging it: those who remember and forward failures hear of it. Costs the caller next to nothing, never throws, and does nothing
 * where no one listens. Without `correlation` it carries the ids of the work at hand.
 */
export function reportFailure(failure: Omit<Failure, 'correlation'> & { correlation?: CorrelationIds }): void {
  for (const listener of listeners) {
    try {
      listener({ ...failure, correlation: failure.correlation ?? correlationIds() })
    } catch {
      // Whoever reports has a failure of their own; the listener counts what it loses.
    }
  }
}
