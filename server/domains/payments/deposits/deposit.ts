/** Money that a customer says to have paid outside the house, and what staff make of it. */
export interface Deposit {
  readonly id: bigint
  readonly user_id: bigint
  readonly asset: string
  /** Minor units, as the customer says. */
  readonly amount: bigint
  readonly method: string
  /** The proof, as the customer typed it. */
  readonly reference: string
  readonly reference_key: string
  readonly note: string | null
  readonly state: DepositState
  readonly asked_at: Date
  /** Until when staff may answer. */
  readonly expires_at: Date
  /** What staff found to have come in; null until the first of them has approved. */
  readonly approved_amount: bigint | null
  /** Who of two approved first; null where one was enough. */
  readonly first_approved_by: bigint | null
  readonly first_approved_at: Date | null
  /** Null: at the terminal, by the customer, or by nobody. */
  readonly decided_by: bigint | null
  readonly settled_at: Date | null
  /** The customer reads it once the deposit is settled. */
  readonly decision_reason: string | null
  /** What the house gave on top; null: nothing, or not yet. */
  readonly bonus: bigint | null
}

/** Pending waits for staff, approved_once for a second of them; approved has moved the money; the others have not and will not. */
export const DEPOSIT_STATES = ['pending', 'approved_once', 'approved', 'refused', 'cancelled', 'expired'] as const
export type DepositState = (typeof DEPOSIT_STATES)[number]

/** What customers see of the states: how many of staff it takes is the house's own affair. */
export const SHOWN_STATES = ['pending', 'approved', 'refused', 'canceled', 'expired'] as const
export type ShownState = (typeof SHOWN_STATES)[number]

const SHOWN: Readonly<Record<DepositState, ShownState>> = {
  pending: 'pending',
  approved_once: 'pending',
  approved: 'approved',
  refused: 'refused',
  cancelled: 'canceled',
  expired: 'expired',
}

/** How its customer sees a deposit in this state. */
export function shownState(state: DepositState): ShownState {
  return SHOWN[state]
}

/** The states that customers see as this one. */
export function statesShownAs(shown: ShownState): DepositState[] {
  return DEPOSIT_STATES.filter((state) => SHOWN[state] === shown)
}

/** Whether it still waits for an answer: it may be approved, refused, cancelled, and expires. */
export function isOpen(state: DepositState): boolean {
  return SHOWN[state] === 'pending'
}

/** The columns of `Deposit`. */
export const DEPOSIT_COLUMNS = `id, user_id, asset, amount, method, reference, reference_key, note, state, asked_at, expires_at, approved_amount,
  first_approved_by, first_approved_at, decided_by, settled_at, decision_reason,
  (select given.amount from payments.deposit_bonus given where given.deposit_id = deposit.id) as bonus`

export const REFERENCE_MAX = 200
export const NOTE_MAX = 500
export const DECISION_REASON_MAX = 500

/**
 * What of a reference is compared: "ab 12-34" and "AB1234" name the same payment, and signs that nobody sees make no other one. Empty when there is neither letter
 * nor digit in it.
 */
export function referenceKey(reference: string): string {
  return reference
    .normalize('NFKC')
    .toUpperCase()
    .replaceAll(/[^\p{L}\p{N}]/gu, '')
}
