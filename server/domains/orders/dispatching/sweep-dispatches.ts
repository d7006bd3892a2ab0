import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import type { Placement } from './record-placements.ts'
import { recordPlacements } from './record-placements.ts'

const SWEEP_MAX = 200

const expired = statement(`
  select o.id as order_id, a.key, a.repeats as repeat from orders.orders o join orders.attempt a on a.key = o.attempt
  where o.state = 'dispatching' and o.claimed_until < now() order by o.claimed_until limit $1`)

/**
 * Calls orders unknown whose dispatch was begun and never ended, because its process died: they may have reached the provider, so nothing is sent again.
 * An answer that still comes is taken over. Answers how many it found.
 */
export async function sweepDispatches(app: App): Promise<number> {
  const found = await app.db.query<{ order_id: bigint; key: string; repeat: number }>(expired, [SWEEP_MAX])
  const message = 'The dispatch was interrupted; the order may or may not have reached the provider.'
  const outcome: Placement['outcome'] = { outcome: 'unknown', reason: 'interrupted', message }
  if (found.length > 0)
    await recordPlacements(
      app,
      found.map((each) => ({ ...each, outcome })),
    )
  return found.length
}
