import type { PlaceOutcome } from '#server/domains/providers/provider.ts'
import { invariant } from '#server/kit/invariant.ts'
import { textArray } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { costWith, isSubscription, type Order } from '../order.ts'
import type { OrderChange } from '../order-change.ts'

/** That a provider took an order under an attempt's key, told when nobody waited for it any more. */
interface Acceptance {
  order: Order
  placement: { key: string; outcome: PlaceOutcome }
}

interface LateAttempt {
  key: string
  provider_id: bigint
  asset: string
  /** Null: it was begun before this was kept. */
  expected_cost: bigint | null
  /** The provider took it under another number before; else the order was given up, or sent again. */
  twice: boolean
  /** The number is known as another order of ours, which has its cost. */
  another: boolean
}

export type LateAcceptance<T extends Acceptance> = T & { attempt: LateAttempt }

// An attempt keeps its first number; under which others it was taken stands in the order's history, of which the months before the order are not looked into.
const lateAttempts = statement(`
  select a.key, a.provider_id, p.currency as asset, a.expected_cost, a.state = 'accepted' as twice,
    exists (select from orders.orders o
      where o.provider_id = a.provider_id and o.provider_order_id = told.number and o.id <> a.order_id) as another
  from unnest($1::uuid[], $2::text[]) as told (key, number)
  join orders.attempt a on a.key = told.key join providers.provider p on p.id = a.provider_id
  where a.state in ('sent', 'unknown') or (a.state = 'accepted' and a.provider_order_id <> told.number and not exists (
    select from orders.orders o join orders.order_event e on e.order_id = o.id and e.at >= o.placed_at
    where o.id = a.order_id and e.kind = 'flagged' and e.data->>'reason' = 'accepted_twice'
      and e.data->>'attempt_key' = told.key::text and e.data->>'provider_order_id' = told.number))`)

/**
 * Those of the acceptances for which nobody waits that are news: the order was resolved otherwise, or sent again, perhaps elsewhere; or the provider took the same attempt
 * before, under another number. Told again, they are none. The caller has locked the orders.
 */
export async function lateAcceptances<T extends Acceptance>(tx: Tx, told: readonly T[]): Promise<LateAcceptance<T>[]> {
  if (told.length === 0) return []
  const rows = await tx.query<LateAttempt>(lateAttempts, [
    textArray(told.map(({ placement }) => placement.key)),
    textArray(told.map(numberOf)),
  ])
  const attempts = new Map(rows.map((row) => [row.key, row]))
  return told.flatMap((each) => {
    const attempt = attempts.get(each.placement.key)
    return attempt && !isKnown(each, attempt) ? [{ ...each, attempt }] : []
  })
}

/** Staff have found the number out meanwhile. */
function isKnown(told: Acceptance, { provider_id }: LateAttempt): boolean {
  return numberOf(told) === told.order.provider_order_id && provider_id === told.order.provider_id
}

function numberOf({ placement: { outcome } }: Acceptance): string {
  invariant(outcome.outcome === 'accepted', 'a late acceptance is one')
  return outcome.provider_order_id
}

/** What a late acceptance makes of its order: it is flagged, and what the provider takes is booked, for no one follows the placement there. Pure. */
export function paidForNothing(late: LateAcceptance<Acceptance>): OrderChange {
  const { order, attempt } = late
  const { provider_id, asset } = attempt
  const cost = costOf(late)
  const data = {
    reason: attempt.twice ? 'accepted_twice' : 'accepted_after_given_up',
    provider_order_id: numberOf(late),
    attempt_key: attempt.key,
    cost: String(cost),
  }
  const step = { kind: 'flagged' as const, data }
  if (provider_id !== order.provider_id) {
    return { before: order, after: {}, step, paid_elsewhere: cost === 0n ? undefined : { provider_id, asset, cost } }
  }
  return {
    before: order,
    after: { booked_cost: order.booked_cost + cost, sunk_cost: order.sunk_cost + cost },
    step,
  }
}

function costOf({ order, placement: { outcome }, attempt }: LateAcceptance<Acceptance>): bigint {
  // A subscription costs nothing before a post comes, and nobody knows of those.
  if (attempt.another || isSubscription(order)) return 0n
  const charge = outcome.outcome === 'accepted' ? outcome.charge : undefined
  return costWith({ sunk_cost: 0n }, charge) ?? attempt.expected_cost ?? order.expected_cost
}
