import { setTimeout as delay } from 'node:timers/promises'
import { type Backoff, backoff_ms } from '#server/kit/backoff.ts'
import { coalesce } from '#server/kit/coalesce.ts'
import { runInHalves } from '#server/kit/in-halves.ts'
import type { Log } from '../telemetry/log.ts'

/** How outcomes are gathered and written. */
export interface RecorderOptions<T> {
  /** Writes many outcomes in one transaction; has no effect when it throws. */
  write: (outcomes: readonly T[]) => Promise<void>
  /** Outcomes in one batch. */
  max: number
  /** Batches under way at once. */
  lanes: number
  /** Outcomes that may wait. */
  waiting_max: number
  /** The least time between the beginnings of two batches; none without it. */
  rest_ms?: number
  /** What tells one in the log. */
  named: (outcome: T) => object
  log: Log
}

/** About five minutes: a database that restarts is back by then. */
const TRIES_MAX = 20
const BACKOFF: Backoff = { base_ms: 200, max_ms: 30_000 }

/**
 * Gathers outcomes of what was done outside and writes them down in batches. One is written again until it stands, for the outside does not tell it
 * again; one that cannot be written does not hold up its neighbours. Throws what the database said when all tries failed, and QueueFullError.
 */
export function openRecorder<T>(options: RecorderOptions<T>): (outcome: T) => Promise<void> {
  /** Answers the errors of those that failed. */
  const write = coalesce(
    async (outcomes: T[]) => {
      const failed = await runInHalves(outcomes, options.write)
      const errors = new Map(failed.map(({ item, error }) => [item, { error }]))
      return outcomes.map((outcome) => errors.get(outcome))
    },
    {
      max: options.max,
      lanes: options.lanes,
      queue_max: options.waiting_max,
      ...(options.rest_ms !== undefined && { rest_ms: options.rest_ms }),
    },
  )
  return async (outcome) => {
    for (let tries = 1; ; tries++) {
      const failed = await write(outcome)
      if (!failed) return
      if (tries === TRIES_MAX) throw failed.error
      options.log.warn(
        { err: failed.error, ...options.named(outcome), tries },
        'an outcome could not be written down yet',
      )
      await delay(backoff_ms(tries, BACKOFF))
    }
  }
}
