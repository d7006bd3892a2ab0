import type { Tx } from '#server/platform/db/database.ts'
import { emit } from '#server/platform/outbox/emit.ts'
import { WALLET_SCALE } from '../accounts.ts'
import { type DepositChanged, depositChanged, type WalletTold } from '../events.ts'
import { type Deposit, shownState } from './deposit.ts'

/** Tells what these deposits' customers see of them now. Call it in the transaction that made them so, and not for what they do not see. */
export function tellDeposits(tx: Tx, deposits: readonly Deposit[], wallet?: WalletTold): void {
  emit(
    tx,
    depositChanged,
    deposits.map((deposit) => ({ ...toldOf(deposit), ...(wallet && { wallet }) })),
  )
}

function toldOf(deposit: Deposit): DepositChanged {
  const { id, user_id, asset, amount, method, reference } = deposit
  const { state, credited, reason } = settledAs(deposit)
  return { deposit_id: id, user_id, state, asset, amount, credited, scale: WALLET_SCALE, method, reference, reason }
}

/** What the customer sees of the answer: nothing of it before it is final. */
export function settledAs({ state, approved_amount, decision_reason }: Deposit) {
  return {
    state: shownState(state),
    credited: state === 'approved' ? approved_amount : null,
    reason: state === 'approved' || state === 'refused' ? decision_reason : null,
  }
}
