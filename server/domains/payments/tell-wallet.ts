import { balancesOf } from '#server/domains/ledger/queries.ts'
import { present } from '#server/kit/invariant.ts'
import { formatAmount } from '#server/kit/money.ts'
import type { Tx } from '#server/platform/db/database.ts'
import { WALLET_SCALE } from './accounts.ts'
import type { WalletTold } from './events.ts'

/** A wallet as events tell it, as the transaction leaves it. Call it after the posting, which has locked the account. */
export async function walletAsTold(tx: Tx, wallet: bigint, currency: string): Promise<WalletTold> {
  const { posted, held, available, version } = present((await balancesOf(tx, [wallet])).get(wallet), 'it was posted to')
  const told = (amount: bigint) => formatAmount(amount, WALLET_SCALE, 2)
  return { balance: told(posted), held: told(held), available: told(available), currency, version }
}
