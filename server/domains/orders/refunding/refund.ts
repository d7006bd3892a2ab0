/** asked waits for a second person; posted has moved the money; the others have not and will not. */
export const REFUND_STATES = ['asked', 'posted', 'refused', 'expired'] as const
export type RefundState = (typeof REFUND_STATES)[number]

/** Captured money of an order that staff give back. */
export interface Refund {
  id: bigint
  order_id: bigint
  customer_id: bigint
  asset: string
  /** Minor units. */
  amount: bigint
  reason: string
  state: RefundState
  asked_by: bigint
  asked_at: Date
  /** Until when a second person may decide; null where none was needed. */
  expires_at: Date | null
  decided_by: bigint | null
  decided_at: Date | null
  decision_reason: string | null
  order_version: bigint | null
}

/** The columns of a Refund. */
export const REFUND_COLUMNS = `id, order_id, customer_id, asset, amount, reason, state, asked_by, asked_at, expires_at, decided_by, decided_at,
  decision_reason, order_version`

export const REFUND_REASON_MAX = 500
