import type { AccountName } from '#server/domains/ledger/ensure-accounts.ts'

/** The asset of customers' wallets, and the digits of its minor unit. */
export const WALLET_ASSET = 'USD'
export const WALLET_SCALE = 6

/** The wallet of a customer: what they paid in and have not spent. Never below zero. */
export function walletOf(customer_id: bigint): AccountName {
  return { owner_kind: 'customer', owner_id: customer_id, purpose: 'wallet', asset: WALLET_ASSET, credit_limit: 0n }
}

/** What staff have put right: given to customers when below zero, taken from them when above. */
export function adjustments(): AccountName {
  return { owner_kind: 'platform', owner_id: 0n, purpose: 'adjustments', asset: WALLET_ASSET, credit_limit: null }
}

/** What the house has given on top of what customers paid in. */
export function bonuses(): AccountName {
  return { owner_kind: 'platform', owner_id: 0n, purpose: 'bonuses', asset: WALLET_ASSET, credit_limit: null }
}

/** Where customers' payments come from: what is outside the house. */
export function world(): AccountName {
  return { owner_kind: 'platform', owner_id: 0n, purpose: 'world', asset: WALLET_ASSET, credit_limit: null }
}
