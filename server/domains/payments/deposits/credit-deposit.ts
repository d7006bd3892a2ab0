import { ensureAccounts } from '#server/domains/ledger/ensure-accounts.ts'
import { postEntries } from '#server/domains/ledger/post-entries.ts'
import { invariant, present } from '#server/kit/invariant.ts'
import type { Tx } from '#server/platform/db/database.ts'
import { walletOf, world } from '../accounts.ts'
import type { WalletTold } from '../events.ts'
import { walletAsTold } from '../tell-wallet.ts'
import type { Deposit } from './deposit.ts'
import { CreditTooLargeError } from './errors.ts'

/** Why money moves for a deposit; `saldo verify` holds each such movement against its deposit. */
export const DEPOSIT_REASON = 'deposit.approved'

/**
 * Puts `amount` (minor units) onto the wallet of a deposit's customer, under one key for ever. Answers the movement and how the wallet stands. Call it in the transaction that
 * makes the row approved, its row locked and no account yet. Throws CreditTooLargeError: then nothing of the transaction stands.
 */
export async function creditDeposit(
  tx: Tx,
  { id, user_id, asset }: Pick<Deposit, 'id' | 'user_id' | 'asset'>,
  amount: bigint,
): Promise<{ movement: bigint; wallet: WalletTold }> {
  const [credit, debit] = (await ensureAccounts(tx, [walletOf(user_id), world()])) as [bigint, bigint]
  const subject = { kind: 'deposit', id }
  const movement = { kind: 'transfer', debit, credit, amount, reason: DEPOSIT_REASON, subject } as const
  const [posted] = await postEntries(tx, [{ key: `deposit:${id}`, movements: [movement] }])
  const outcome = present(posted, 'an entry has an outcome')
  if (!outcome.ok) {
    invariant(outcome.refusal === 'amount_out_of_range', `a deposit was refused: ${outcome.refusal}`)
    throw new CreditTooLargeError()
  }
  return { movement: outcome.id, wallet: await walletAsTold(tx, credit, asset) }
}
