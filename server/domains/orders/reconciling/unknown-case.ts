import type { ProviderRow } from '#server/domains/providers/provider-row.ts'
import type { Order } from '../order.ts'

/** An order whose fate at its provider is not known, the attempt that left it so, and what has been done to find out. */
export interface UnknownCase {
  order: Order
  attempt: CaseAttempt
  opened_at: Date
  /** The first balance that could be read after the attempt, in minor units of the order's `cost_asset`. */
  balance_after: bigint | null
  balance_after_at: Date | null
  tries: number
  tried_at: Date | null
  next_try_at: Date | null
  finding: Finding | null
  evidence: CaseEvidence | null
}

/** The attempt in question. */
export interface CaseAttempt {
  key: string
  number: number
  provider_id: bigint
  provider_service_id: string
  code: string | null
  message: string | null
  /** The balance as last read before it was sent, and when that was asked for. */
  provider_balance: bigint | null
  provider_balance_at: Date | null
  /** Null for attempts older than this knowledge. */
  idempotency: ProviderRow['idempotency'] | null
  /** How often the same was sent again under the same key. */
  repeats: number
  started_at: Date
  ended_at: Date | null
}

/**
 * What a look for a proof found. `placed`, `not_placed` and `repeated` are proofs and close the case; all else leaves the order open. `resolved`: it was closed otherwise, by
 * people, a late answer or the clock.
 */
export const FINDINGS = [
  'placed',
  'not_placed',
  'repeated',
  'resolved',
  'no_list',
  'list_unavailable',
  'list_incomplete',
  'clock_differs',
  'too_early',
  'several_candidates',
  'shared_candidate',
  'unlike_orders',
  'balance_contradicts',
  'duplicate_refused',
] as const
export type Finding = (typeof FINDINGS)[number]

/** What our balance with the provider says about one order. */
export type BalanceVerdict = 'as_if_placed' | 'as_if_not_placed' | 'unclear' | 'unread'

/** An order of the provider's list that none of ours is known to be. */
export interface Candidate {
  provider_order_id: string
  link: string
  quantity: string | null
  created_at: string
  /** Minor units of the provider's asset. */
  charge: string | null
  /** Whether link and quantity are those of the order in question. */
  same: boolean
}

/** What the provider's own list says. */
export interface ListEvidence {
  read_at: string
  from: string
  to: string
  listed: number
  complete: boolean
  /** By how many milliseconds the provider's clock goes before ours; null when it does not tell. */
  clock_ahead_ms: number | null
  candidates: Candidate[]
}

/** The grounds of a finding, as they are stored and shown. Amounts are minor units of the provider's asset. */
export interface CaseEvidence {
  balance: {
    verdict: BalanceVerdict
    before: string | null
    after: string | null
    /** What the other attempts between the two readings cost as far as it is known. */
    others_cost: string
    others: number
    /** Other attempts whose cost, or whose place between the readings, is not known. */
    undecided: number
    expected_cost: string
    /** Whether orders of ours stood open at the provider, whose refunds may be in the figures. */
    open_orders: boolean
  }
  /** Other orders of ours that may be what a candidate is: same service, link and quantity, sent at the same time, their fate unknown as well. */
  rivals: number
  /** Later orders that the provider refused as the link was being worked on, while no other order of ours is known to be open on it. */
  duplicate_refusals: number
  list?: ListEvidence | undefined
  /** Why there is no list. */
  list_error?: string | undefined
}
