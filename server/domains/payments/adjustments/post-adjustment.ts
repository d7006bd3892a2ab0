import { ensureAccounts } from '#server/domains/ledger/ensure-accounts.ts'
import { postEntries } from '#server/domains/ledger/post-entries.ts'
import { invariant, present } from '#server/kit/invariant.ts'
import type { Tx } from '#server/platform/db/database.ts'
import { emit } from '#server/platform/outbox/emit.ts'
import { adjustments, WALLET_SCALE, walletOf } from '../accounts.ts'
import { balanceAdjusted } from '../events.ts'
import { walletAsTold } from '../tell-wallet.ts'
import type { Adjustment } from './adjustment.ts'
import { AmountRefusedError, NotEnoughFundsError } from './errors.ts'

/**
 * Moves the money of an adjustment, under one key for ever, and tells of it. Answers the movement. Call it in the transaction that makes the row posted, its row locked and no account yet. Throws
 * NotEnoughFundsError, AmountRefusedError: then nothing of the transaction stands, the key included.
 */
export async function postAdjustment(
  tx: Tx,
  { id, user_id, asset, amount, reason }: Pick<Adjustment, 'id' | 'user_id' | 'asset' | 'amount' | 'reason'>,
): Promise<bigint> {
  const [wallet, ours] = (await ensureAccounts(tx, [walletOf(user_id), adjustments()])) as [bigint, bigint]
  const [debit, credit] = amount > 0n ? [ours, wallet] : [wallet, ours]
  const movement = {
    kind: 'transfer',
    debit,
    credit,
    amount: amount > 0n ? amount : -amount,
    reason: 'balance.adjusted',
    subject: { kind: 'adjustment', id },
  } as const
  const [posted] = await postEntries(tx, [{ key: `adjustment:${id}`, movements: [movement] }])
  const outcome = present(posted, 'an entry has an outcome')
  if (!outcome.ok) {
    if (outcome.refusal === 'amount_out_of_range') throw new AmountRefusedError()
    invariant(outcome.refusal === 'insufficient_funds', `an adjustment was refused: ${outcome.refusal}`)
    throw new NotEnoughFundsError()
  }
  const told = { adjustment_id: id, user_id, asset, amount, scale: WALLET_SCALE, reason }
  emit(tx, balanceAdjusted, [{ ...told, wallet: await walletAsTold(tx, wallet, asset) }])
  return outcome.id
}
