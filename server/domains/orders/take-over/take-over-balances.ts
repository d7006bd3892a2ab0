import type { AccountName } from '#server/domains/ledger/ensure-accounts.ts'
import { postEntries } from '#server/domains/ledger/post-entries.ts'
import { balancesOf } from '#server/domains/ledger/queries.ts'
import type { Db, Tx } from '#server/platform/db/database.ts'
import { accountIds, openingIn } from '../accounts.ts'

/** What an account of another system held. */
export interface TakenBalance {
  account: AccountName
  /** Minor units of the account's asset, above zero. */
  amount: bigint
  /** Names it for ever, such as `user:17`. */
  of: string
  /** Only where nothing was ever posted to the account. */
  unless_used?: boolean
}

/** `was_there`: it was taken over before. `changed`: with another amount. `used`: what there was is in the account's own figures. Neither moved anything now. */
export type TakenBalanceOutcome = { ok: true; was_there: boolean } | { ok: false; refusal: 'changed' | 'used' }

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
  const outcomes = await postEntries(tx, entries, async () => {
    // Behind the locks on the accounts.
    const places = balances.flatMap(({ unless_used }, i) => (unless_used ? [i] : []))
    const found = await balancesOf(
      tx,
      places.map((i) => accounts[2 * i + 1] as bigint),
    )
    const used = new Set([...found].flatMap(([id, { version }]) => (version > 0n ? [id] : [])))
    return (i) => {
      const account = accounts[2 * i + 1] as bigint
      if (balances[i]?.unless_used && used.has(account)) return false
      used.add(account)
      return true
    }
  })
  return outcomes.map((outcome) => {
    if (outcome.ok) return { ok: true, was_there: outcome.replayed }
    return { ok: false, refusal: outcome.refusal === 'withheld' ? 'used' : 'changed' }
  })
}
