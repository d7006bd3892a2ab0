import { defineEvent } from '#server/platform/outbox/event.ts'

/** A customer's wallet as their doors show it: plain decimals with at least two digits behind the point. */
export interface WalletTold {
  balance: string
  held: string
  available: string
  currency: string
  /** The higher one is the newer. */
  version: bigint
}

/** What became of a wish to put a customer's balance right. */
export interface BalanceAdjusted {
  adjustment_id: bigint
  user_id: bigint
  asset: string
  /** Minor units; below zero was taken away. */
  amount: bigint
  /** Digits behind the point of `amount`. */
  scale: number
  reason: string
  /** How the wallet stands since. */
  wallet: WalletTold
}

/** A customer's balance was put right by staff: the money has moved. */
export const balanceAdjusted = defineEvent<BalanceAdjusted>(
  'payments.balance_adjusted',
  ({ adjustment_id }) => `adjustment:${adjustment_id}`,
)

export interface AdjustmentAsked {
  adjustment_id: bigint
  user_id: bigint
  /** Null: at the terminal. */
  asked_by: bigint | null
}

/** An adjustment waits for a second person. */
export const adjustmentAsked = defineEvent<AdjustmentAsked>(
  'payments.adjustment_asked',
  ({ adjustment_id }) => `adjustment:${adjustment_id}`,
)

/** A deposit by hand as its customer sees it. */
export interface DepositChanged {
  deposit_id: bigint
  user_id: bigint
  state: 'pending' | 'approved' | 'refused' | 'canceled' | 'expired'
  asset: string
  /** Minor units: what the customer said, and what came onto the balance of it. */
  amount: bigint
  credited: bigint | null
  /** Digits behind the point of both. */
  scale: number
  method: string
  reference: string
  /** In the words of staff: why it was refused, or why another amount was credited. */
  reason: string | null
  /** How the wallet stands since; only where money came onto it. */
  wallet?: WalletTold
}

/** What a customer sees of a deposit has changed: it was asked for, or it is settled. */
export const depositChanged = defineEvent<DepositChanged>(
  'payments.deposit_changed',
  ({ deposit_id }) => `deposit:${deposit_id}`,
)

/** What the proof of the deposits found; without a problem all is well. */
export interface DepositsVerified {
  problem?: string
}

/** The deposits were held against the ledger. */
export const depositsVerified = defineEvent<DepositsVerified>('payments.deposits_verified', () => 'deposits')

/** What the proof of the promo codes found; without a problem all is well. */
export interface PromoCodesVerified {
  problem?: string
}

/** The promo codes were held against the ledger and the discounts of the catalogue. */
export const promoCodesVerified = defineEvent<PromoCodesVerified>('payments.promo_codes_verified', () => 'promo-codes')
