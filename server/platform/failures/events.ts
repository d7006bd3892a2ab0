import { defineEvent } from '../outbox/event.ts'

/** A failure that staff should look at now. */
export interface CriticalError {
  failure_id: bigint
  /** `new`: never seen, or forgotten since. `again`: it was quiet for a while. `reopened`: it was resolved. */
  why: 'new' | 'again' | 'reopened'
  kind: string
  name: string
  error: string
  /** Secrets masked. */
  message: string
  /** In all, with those since it was last told. */
  occurrences: bigint
  request_id: string | null
  process: string
  release: string
  at: Date
}

/** The first occurrence of a failure in a while. However often it then occurs, it is not told again before it was quiet for QUIET_MS. */
export const criticalError = defineEvent<CriticalError>('errors.critical', ({ failure_id }) => `failure:${failure_id}`)
