import type { OrderList } from '#server/domains/providers/provider.ts'
import { costOfPlacing, isSubscription } from '../order.ts'
import type { BalanceVerdict, Candidate, CaseEvidence, Finding, ListEvidence, UnknownCase } from './unknown-case.ts'

/** Around an attempt: how far the provider's clock may be from ours. A list of a provider whose clock is farther off proves nothing. */
const CLOCKS_DIFFER_MS_MAX = 60_000

/** A request that was cut off is worked on by no panel for longer: only then does an absent order prove that none was placed. */
const SETTLED_MS = 5 * 60_000

/** How long after its attempt an order is looked for in a list. */
const LOOKED_FOR_MS = 15 * 60_000

/** Candidates kept and shown. */
const CANDIDATES_MAX = 20

/** What our own books know of the surroundings of an attempt. Amounts in minor units of the provider's asset. */
export interface Surroundings {
  others: number
  undecided: number
  others_cost: bigint
  open_orders: boolean
  rivals: number
  duplicate_refusals: number
}

/** The span, by the provider's clock, in which an attempt may have placed its order. */
export function spanOf({ attempt }: Pick<UnknownCase, 'attempt'>, now: Date): { from: Date; to: Date } {
  const ended_ms = (attempt.ended_at ?? now).getTime()
  return {
    from: new Date(attempt.started_at.getTime() - CLOCKS_DIFFER_MS_MAX),
    to: new Date(Math.min(now.getTime(), ended_ms + LOOKED_FOR_MS) + CLOCKS_DIFFER_MS_MAX),
  }
}

/**
 * What our balance with the provider says: it never closes a case by itself, for refunds, payments to the provider and what it takes late move it too, but it can speak against
 * the other grounds. Pure.
 */
export function judgeBalance(unknown: UnknownCase, known: Surroundings): CaseEvidence['balance'] {
  const expected_cost = costOfPlacing(unknown.order)
  const before = unknown.attempt.provider_balance_at === null ? null : unknown.attempt.provider_balance
  const after = unknown.balance_after
  const { others, undecided, others_cost, open_orders } = known
  return {
    verdict: verdictOf(before, after, known, expected_cost),
    before: textOf(before),
    after: textOf(after),
    others_cost: String(others_cost),
    expected_cost: String(expected_cost),
    ...{ others, undecided, open_orders },
  }
}

function verdictOf(
  before: bigint | null,
  after: bigint | null,
  { undecided, others_cost }: Surroundings,
  expected_cost: bigint,
): BalanceVerdict {
  if (before === null || after === null) return 'unread'
  // An order that costs nothing leaves no trace.
  if (undecided > 0 || expected_cost === 0n) return 'unclear'
  const unexplained = before - after - others_cost
  if (unexplained === expected_cost) return 'as_if_placed'
  return unexplained === 0n ? 'as_if_not_placed' : 'unclear'
}

/** What a provider's list says about one case: its orders of the time that no order of ours is known to be. `claimed` are the numbers that are known. Pure. */
export function judgeList(
  unknown: UnknownCase,
  list: OrderList,
  claimed: ReadonlySet<string>,
  now: Date,
): ListEvidence {
  const { from, to } = spanOf(unknown, now)
  const { order, attempt } = unknown
  const within = list.orders.filter(
    ({ provider_service_id, created_at }) =>
      provider_service_id === attempt.provider_service_id && created_at >= from && created_at <= to,
  )
  const candidates = within
    .filter(({ provider_order_id }) => !claimed.has(provider_order_id))
    .map((listed): Candidate => {
      const { provider_order_id, link, quantity, created_at, charge } = listed
      return {
        ...{ provider_order_id, link },
        quantity: quantity === undefined ? null : String(quantity),
        created_at: created_at.toISOString(),
        charge: charge === undefined ? null : String(charge),
        same: link === order.link && quantity === order.quantity,
      }
    })
    .sort((a, b) => Number(b.same) - Number(a.same))
  return {
    read_at: now.toISOString(),
    from: from.toISOString(),
    to: to.toISOString(),
    listed: within.length,
    complete: list.complete,
    clock_ahead_ms: list.now === undefined ? null : list.now.getTime() - now.getTime(),
    candidates: candidates.slice(0, CANDIDATES_MAX),
  }
}

/** What the grounds prove. Pure. The absence of an order proves something only when no order of the service is left over: a provider may write links otherwise than we. */
export function judgeCase(unknown: UnknownCase, evidence: CaseEvidence, now: Date): Finding {
  // Lists have orders: a subscription may be in none of them, and its posts look like it.
  if (isSubscription(unknown.order)) return 'no_list'
  const { list, list_error, rivals } = evidence
  if (!list) return list_error === undefined ? 'no_list' : 'list_unavailable'
  if (list.clock_ahead_ms === null || Math.abs(list.clock_ahead_ms) > CLOCKS_DIFFER_MS_MAX) return 'clock_differs'
  if (!list.complete) return 'list_incomplete'
  const same = list.candidates.filter((candidate) => candidate.same)
  if (same.length > 1) return 'several_candidates'
  if (same.length === 1) return rivals === 0 ? 'placed' : 'shared_candidate'
  if (list.candidates.length > 0) return 'unlike_orders'
  const { ended_at } = unknown.attempt
  if (ended_at === null || now.getTime() - ended_at.getTime() < SETTLED_MS) return 'too_early'
  if (evidence.balance.verdict === 'as_if_placed') return 'balance_contradicts'
  return evidence.duplicate_refusals > 0 ? 'duplicate_refused' : 'not_placed'
}

function textOf(amount: bigint | null): string | null {
  return amount === null ? null : String(amount)
}
