import type { KeyUse } from '#server/domains/identity/keys/key-use.ts'
import type { PlaceOutcome } from '../placing/place-orders.ts'
import type { PlaceOrder } from '../placing/placement.ts'
import { weightOf } from '../placing/read-rhythm.ts'

/** Counts for the key that asked what became of its order: one that it had already is neither placed nor refused. Of a drip-feed each run is one. */
export function countOutcome(use: KeyUse, { key_id, runs }: PlaceOrder, outcome: PlaceOutcome): void {
  if (key_id === undefined) return
  if (!outcome.ok) use.of(key_id).orders_refused += 1
  else if (!outcome.replayed) {
    const tally = use.of(key_id)
    tally.orders += weightOf({ runs })
    tally.spent += outcome.charge
  }
}
