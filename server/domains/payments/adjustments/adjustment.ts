/** Something that staff put right on a customer's balance. */
export interface Adjustment {
  readonly id: bigint
  readonly user_id: bigint
  readonly asset: string
  /** Minor units; below zero takes away. */
  readonly amount: bigint
  readonly reason: string
  readonly state: AdjustmentState
  /** Null: at the terminal. */
  readonly asked_by: bigint | null
  readonly asked_at: Date
  /** Until when a second person may decide; null where none was needed. */
  readonly expires_at: Date | null
  readonly decided_by: bigint | null
  readonly decided_at: Date | null
  readonly decision_reason: string | null
}

/** Asked waits for a second person; posted has moved the money; the others have not and will not. */
export const ADJUSTMENT_STATES = ['asked', 'posted', 'refused', 'expired'] as const
export type AdjustmentState = (typeof ADJUSTMENT_STATES)[number]

/** The columns of `Adjustment`. */
export const ADJUSTMENT_COLUMNS = `id, user_id, asset, amount, reason, state, asked_by, asked_at, expires_at, decided_by, decided_at,
  decision_reason`

export const ADJUSTMENT_REASON_MAX = 500
