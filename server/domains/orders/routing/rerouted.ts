import type { RejectionCode } from '#server/domains/providers/provider.ts'
import type { Order } from '../order.ts'
import type { OrderChange } from '../order-change.ts'
import type { Route } from './router.ts'

/** Refusals that were no try: it never left the house, or the provider wants fewer calls. */
const NO_TRY: ReadonlySet<RejectionCode> = new Set(['not_sent', 'rate_limited'])

/** Refusals that another source may not share: not those of the customer's input, and not a link that may be at work already, for then the order may be placed. */
const OF_THE_SOURCE: ReadonlySet<RejectionCode> = new Set([
  'insufficient_provider_balance',
  'invalid_key',
  'service_not_found',
  'other',
  ...NO_TRY,
])

/** Refusals that speak against the source itself: our balance with its provider and a moment's trouble on the way do not. */
const AGAINST_THE_SOURCE: ReadonlySet<RejectionCode> = new Set(['invalid_key', 'service_not_found', 'other'])

/** Whether what was refused so is sent again as if nothing had been. */
export function isNoTry(code: RejectionCode): boolean {
  return NO_TRY.has(code)
}

/** The codes of `isNoTry`, for statements. */
export const CODES_NO_TRY: readonly RejectionCode[] = [...NO_TRY]

/** Whether what was refused so may be bought elsewhere. */
export function mayFailOver(code: RejectionCode): boolean {
  return OF_THE_SOURCE.has(code)
}

/** Whether such refusals one after another put a source in quarantine. */
export function speaksAgainst(code: RejectionCode): boolean {
  return AGAINST_THE_SOURCE.has(code)
}

/** The codes of `speaksAgainst`, for statements. */
export const CODES_AGAINST: readonly string[] = [...AGAINST_THE_SOURCE]

/**
 * The order queued at another source. What it has cost at the provider it leaves stays there; what it costs from now on is counted anew. Pure. The order is at no provider
 * and no attempt is under way.
 */
export function rerouted(order: Order, route: Route, why: Record<string, unknown>): OrderChange {
  return {
    before: order,
    after: {
      ...movedTo(order, route),
      state: 'queued',
      reason: null,
      detail: null,
      attempt: null,
    },
    step: { kind: 'rerouted', data: { ...why, ...fromTo(order, route) } },
  }
}

/** What of an order is otherwise at another source. */
export function movedTo(
  order: Pick<Order, 'provider_id' | 'booked_cost'>,
  { provider_id, provider_service_id, expected_cost, cost_asset }: Route,
): Partial<Order> {
  const leaves = provider_id !== order.provider_id
  return {
    ...{ provider_id, provider_service_id, expected_cost, cost_asset },
    balance_check_status: null,
    // That was accepted of the other.
    accepted_cost: null,
    booked_cost: leaves ? 0n : order.booked_cost,
    sunk_cost: leaves ? 0n : order.booked_cost,
  }
}

/** Which way it went, for its history. */
export function fromTo(order: Order, to: Route): Record<string, unknown> {
  return {
    from: { provider_id: String(order.provider_id), service: order.provider_service_id },
    to: { provider_id: String(to.provider_id), service: to.provider_service_id },
  }
}
