import type { RefillStatus } from '#server/domains/providers/provider.ts'

/**
 * Where a refill stands. asked → sent → pending → in_progress → completed | rejected | error, as the provider tells; sent → unknown where it may or may not have arrived: it is not sent
 * again, and waits for a person. One that its provider does not know any more waits for one too and stays what it was, as its customer was told. What staff see to themselves stays asked until they
 * say how it ended.
 */
export const REFILL_STATES = [
  'asked',
  'sent',
  'unknown',
  'pending',
  'in_progress',
  'completed',
  'rejected',
  'error',
] as const
export type RefillState = (typeof REFILL_STATES)[number]

/** States in which nothing changes any more. */
export const REFILL_ENDS: readonly RefillState[] = ['completed', 'rejected', 'error']

/** After so many polls in a row at which its provider did not know it a refill is for staff. It is asked about all the same: a provider may know it again. */
const FAILED_CHECKS_MAX = 10

/** Whether it waits for staff: they see to it, or its fate is not known. */
export function waitsForStaff({
  state,
  manual,
  failed_checks,
}: Pick<Refill, 'state' | 'manual' | 'failed_checks'>): boolean {
  if (REFILL_ENDS.includes(state)) return false
  return manual || state === 'unknown' || failed_checks >= FAILED_CHECKS_MAX
}

/** Of one order; the table holds it. */
export const REFILLS_MAX = 3

export interface Refill {
  id: bigint
  order_id: bigint
  customer_id: bigint
  number: number
  provider_id: bigint
  provider_order_id: string | null
  manual: boolean
  state: RefillState
  provider_refill_id: string | null
  provider_status: string | null
  asked_by: string
  asked_at: Date
  attempts: number
  next_try_at: Date | null
  claimed_until: Date | null
  /** Polls in a row at which its provider did not know it; those that could not be read count once it should long have been done. */
  failed_checks: number
  code: string | null
  message: string | null
  decided_by: string | null
  decision_reason: string | null
  ended_at: Date | null
  /** While it waits for staff: since when. */
  waiting_since: Date | null
  /** Grows with each change. */
  version: bigint
}

/** The columns of a Refill, for select lists. */
export const REFILL_COLUMNS = `id, order_id, customer_id, number, provider_id, provider_order_id, manual, state, provider_refill_id, provider_status,
  asked_by, asked_at, attempts, next_try_at, claimed_until, failed_checks, code, message, decided_by, decision_reason, ended_at, waiting_since, version`

/** Customers' words, in the panels' spelling. That a wish may be lost on its way is no business of theirs: staff see to it. */
export const SHOWN_REFILLS = ['Pending', 'In progress', 'Completed', 'Rejected', 'Error'] as const
export type ShownRefill = (typeof SHOWN_REFILLS)[number]

const SHOWN: Record<RefillState, ShownRefill> = {
  asked: 'Pending',
  sent: 'Pending',
  unknown: 'Pending',
  pending: 'Pending',
  in_progress: 'In progress',
  completed: 'Completed',
  rejected: 'Rejected',
  error: 'Error',
}

/** The customer's view of a state. */
export function shownRefill(state: RefillState): ShownRefill {
  return SHOWN[state]
}

/** The states that a customer sees as `shown`. */
export function refillStatesSeenAs(shown: ShownRefill): readonly RefillState[] {
  return REFILL_STATES.filter((state) => SHOWN[state] === shown)
}

/** What a provider's word makes of a refill. */
export const STATE_OF: Record<RefillStatus, RefillState> = {
  pending: 'pending',
  in_progress: 'in_progress',
  completed: 'completed',
  rejected: 'rejected',
  error: 'error',
}
