import type { Faults } from '../door/faults.ts'
import type { SentryFault } from './faults.ts'

/** One project that takes events. */
export interface Ingest {
  /** The public key of its DSN. */
  readonly key: string
  readonly faults: Faults<SentryFault>
  /** Requests so far, whatever became of them. */
  requests: number
  /** What was taken, oldest first. */
  readonly events: Record<string, unknown>[]
}
