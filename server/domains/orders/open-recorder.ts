import { setTimeout as delay } from 'node:timers/promises'
import { type Backoff, backoff_ms } from '#server/kit/backoff.ts'
import { coalesce } from '#server/kit/coalesce.ts'
import { runInHalves } from '#server/kit/in-halves.ts'
import type { App } from '#server/platform/app.ts'
import { type Placement, RECORD_PLACEMENTS_MAX, recordPlacements } from './record-placements.ts'

/** Batches under way at once. They meet on the provider's account, so that more would only wait. */
const LANES = 2

/** More answers cannot wait: no more orders are under way than the providers' lines hold. */
const WAITING_MAX = 100_000

/** About five minutes: a database that restarts is back by then. */
const TRIES_MAX = 20
const BACKOFF: Backoff = { base_ms: 200, max_ms: 30_000 }

/**
 * Gathers the ends of attempts and writes them down in batches. An answer is written again until it stands, for what a provider told once it does not tell
 * again; one that cannot be written does not hold up its neighbours. Throws what the database said when all tries failed.
 */
export function openRecorder(app: App): (placement: Placement) => Promise<void> {
  /** Answers the errors of those that failed. */
  const write = coalesce(
    async (placements: Placement[]) => {
      const failed = await runInHalves(placements, (part) => recordPlacements(app, part))
      const errors = new Map(failed.map(({ item, error }) => [item, { error }]))
      return placements.map((placement) => errors.get(placement))
    },
    { max: RECORD_PLACEMENTS_MAX, lanes: LANES, queue_max: WAITING_MAX },
  )
  return async (placement) => {
    for (let tries = 1; ; tries++) {
      const failed = await write(placement)
      if (!failed) return
      if (tries === TRIES_MAX) throw failed.error
      app.log.warn(
        { err: failed.error, order_id: placement.order_id, tries },
        'an answer could not be written down yet',
      )
      await delay(backoff_ms(tries, BACKOFF))
    }
  }
}
