import type { PlaceOutcome, RejectionCode } from '#server/domains/providers/provider.ts'
import { unreachable } from '#server/kit/invariant.ts'
import { nextCheck_ms } from '../following/poll-schedule.ts'
import { costOfPlacing, costWith, DETAIL_MAX, isSubscription, type Order } from '../order.ts'
import type { OrderChange } from '../order-change.ts'
import { isNoTry, mayFailOver, rerouted } from '../routing/rerouted.ts'
import type { Route } from '../routing/router.ts'

/** After each so many sendings that never left the house, a person should look: minutes at the longest pause. */
const ATTEMPTS_MAX = 100

/**
 * What the outcome of its attempt makes of an order. Pure. What its source refused goes on to the `next`, where there is one; refused and unknown orders keep their
 * money held and wait.
 */
export function placementChange(order: Order, outcome: PlaceOutcome, now: Date, next?: Route): OrderChange {
  switch (outcome.outcome) {
    case 'accepted': {
      const told = isSubscription(order) ? undefined : costWith(order, outcome.charge)
      const cost = told ?? order.sunk_cost + costOfPlacing(order)
      return asPlaced(order, outcome.provider_order_id, cost, now, { data: { attempt: order.attempts } })
    }
    case 'rejected':
      return isNoTry(outcome.code) ? postponed(order, outcome, next) : refusedHere(order, outcome, next)
    case 'unknown':
      return {
        before: order,
        after: { state: 'unknown', reason: outcome.reason, detail: outcome.message.slice(0, DETAIL_MAX) },
        step: { kind: 'unknown', data: { reason: outcome.reason, attempt: order.attempts } },
      }
    default:
      return unreachable(outcome)
  }
}

/** An order that its provider has under this number, to be followed from now on. */
export function asPlaced(
  order: Order,
  provider_order_id: string,
  booked_cost: bigint,
  now: Date,
  by: { actor?: string; data: Record<string, unknown> },
): OrderChange {
  return {
    before: order,
    after: {
      state: 'pending',
      reason: null,
      detail: null,
      provider_order_id,
      booked_cost,
      accepted_at: now,
      failed_checks: 0,
      next_check_at: new Date(now.getTime() + nextCheck_ms(0, 0)),
    },
    step: { kind: 'accepted', ...by, data: { provider_order_id, ...by.data } },
  }
}

interface Refusal {
  code: RejectionCode
  message: string
}

function postponed(order: Order, refusal: Refusal, next: Route | undefined): OrderChange {
  const { code, message } = refusal
  if (order.attempts % ATTEMPTS_MAX === 0) return refusedHere(order, refusal, next)
  return {
    before: order,
    after: { state: 'queued', reason: code, detail: message.slice(0, DETAIL_MAX), attempt: null },
    step: { kind: 'postponed', data: { code, attempt: order.attempts } },
  }
}

/** A refusal proves that nothing was placed: the one ground for going elsewhere. */
function refusedHere(order: Order, { code, message }: Refusal, next: Route | undefined): OrderChange {
  if (!next || !mayFailOver(code)) return refused(order, code, message)
  return rerouted(order, next, { code, attempt: order.attempts })
}

function refused(order: Order, code: string, message: string): OrderChange {
  return {
    before: order,
    after: {
      state: 'failed',
      reason: code,
      detail: message.slice(0, DETAIL_MAX),
      attempt: null,
      balance_check_status: code === 'insufficient_provider_balance' ? 'insufficient' : order.balance_check_status,
    },
    step: { kind: 'rejected', data: { code, attempt: order.attempts } },
  }
}
