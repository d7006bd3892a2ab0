import type { AccountName } from '#server/domains/ledger/ensure-accounts.ts'
import { postEntries } from '#server/domains/ledger/post-entries.ts'
import type { Db, Tx } from '#server/platform/db/database.ts'
import { accountIds, openingIn } from '../accounts.ts'

/** What an account of another system held. */
export interface TakenBalance {
  account: AccountName
  /** Minor units of the account's asset, above zero. */
  amount: bigint
  /** Names it for ever, such as `user:17`. */
  of: string
}

/** `was_there`: it was taken over before. `changed`: with another amount; nothing moved now. */
export type TakenBalanceOutcome = { ok: true; was_there: boolean } | { ok: false; refusal: 'changed' }

/** Opens accounts with what they held in another system, called `source`; one outcome each, and may run again. Nothing else of the transaction has locked accounts. */
export async function takeOverBalances(
  db: Db,
  tx: Tx,
  source: string,
  balances: readonly TakenBalance[],
): Promise<TakenBalanceOutcome[]> {
  const names = balances.flatMap(({ account }) => [openingIn(account.asset), account])
  const accounts = await accountIds(db, names, tx)
  const entries = balances.map(({ amount, of }, i) => ({
    key: `take-over:${source}:balance:${of}`,
    movements: [
      {
        kind: 'transfer' as const,
        debit: accounts[2 * i] as bigint,
        credit: accounts[2 * i + 1] as bigint,
        amount,
        reason: 'take_over.balance',
      },
    ],
  }))
  const outcomes = await postEntries(tx, entries)
  return outcomes.map((outcome) =>
    outcome.ok ? { ok: true, was_there: outcome.replayed } : { ok: false, refusal: 'changed' },
  )
}
