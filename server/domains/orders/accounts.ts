import { type AccountName, ensureAccounts } from '#server/domains/ledger/ensure-accounts.ts'
import { present } from '#server/kit/invariant.ts'
import type { Db, Tx } from '#server/platform/db/database.ts'

/** Wallets kept in memory a database; beyond it the memory of wallets starts anew. */
const WALLETS_MAX = 200_000

/** Ids of accounts, which never change. Those of the house and of providers are few and stay. */
interface Remembered {
  wallets: Map<string, bigint>
  others: Map<string, bigint>
}

const remembered = new WeakMap<Db, Remembered>()

/** The wallet of a customer: what they paid in and have not spent. Never below zero. */
export function walletOf(customer_id: bigint, asset: string): AccountName {
  return { owner_kind: 'customer', owner_id: customer_id, purpose: 'wallet', asset, credit_limit: 0n }
}

/** What customers' orders have brought in. Refunds after settlement may take it below zero. */
export function revenueIn(asset: string): AccountName {
  return { owner_kind: 'platform', owner_id: 0n, purpose: 'revenue', asset, credit_limit: null }
}

/** What orders have cost, in a provider's asset. */
export function costIn(asset: string): AccountName {
  return { owner_kind: 'platform', owner_id: 0n, purpose: 'cost', asset, credit_limit: null }
}

/** Our prepaid balance with a provider, as we count it. The provider decides what it takes, so it has no floor. */
export function prepaidAt(provider_id: bigint, asset: string): AccountName {
  return { owner_kind: 'provider', owner_id: provider_id, purpose: 'prepaid', asset, credit_limit: null }
}

/** Where value comes from and goes to that is not in the house: customers' payments, top-ups of providers. */
export function worldIn(asset: string): AccountName {
  return { owner_kind: 'platform', owner_id: 0n, purpose: 'world', asset, credit_limit: null }
}

/** What was already there when the books were opened: balances and orders taken over from another system come out of it. */
export function openingIn(asset: string): AccountName {
  return { owner_kind: 'platform', owner_id: 0n, purpose: 'opening', asset, credit_limit: null }
}

/**
 * The ids of the accounts named, in their order; those that are missing are made, and all are remembered. Within a transaction give it as `tx`,
 * after the locks on orders and before those on accounts.
 */
export async function accountIds(db: Db, names: readonly AccountName[], tx?: Tx): Promise<bigint[]> {
  const known = remembered.get(db) ?? { wallets: new Map(), others: new Map() }
  remembered.set(db, known)
  if (known.wallets.size > WALLETS_MAX) known.wallets = new Map()
  const missing = new Map<string, AccountName>()
  for (const name of names) {
    const text = textOf(name)
    if (!shelfOf(known, name).has(text)) missing.set(text, name)
  }
  const found = new Map<string, bigint>()
  if (missing.size > 0) {
    // In one order, so that two who make the same accounts do not wait for each other.
    const wanted = [...missing].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, name]) => name)
    const ids = tx ? await ensureAccounts(tx, wanted) : await db.transaction((own) => ensureAccounts(own, wanted))
    for (const [i, name] of wanted.entries()) found.set(textOf(name), ids[i] as bigint)
    // What a transaction made is there when it has committed.
    const remember = () => {
      for (const name of wanted) shelfOf(known, name).set(textOf(name), found.get(textOf(name)) as bigint)
    }
    if (tx) tx.onCommit(remember)
    else remember()
  }
  return names.map((name) => {
    const text = textOf(name)
    return present(found.get(text) ?? shelfOf(known, name).get(text), 'the account was made')
  })
}

function shelfOf(known: Remembered, name: AccountName): Map<string, bigint> {
  return name.owner_kind === 'customer' ? known.wallets : known.others
}

function textOf(name: AccountName): string {
  return `${name.owner_kind}/${name.owner_id}/${name.purpose}/${name.asset}`
}
