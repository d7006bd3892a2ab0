import { ensureAccounts } from '#server/domains/ledger/ensure-accounts.ts'
import type { Entry, EntryOutcome, Movement } from '#server/domains/ledger/entry.ts'
import { postEntries } from '#server/domains/ledger/post-entries.ts'
import { balancesOf } from '#server/domains/ledger/queries.ts'
import { verifyLedger } from '#server/domains/ledger/verify.ts'
import type { Db } from '#server/platform/db/database.ts'
import { testDatabase } from './database.ts'

/** A ledger of a test's own. */
export interface TestLedger {
  readonly db: Db
  readonly url: string
  /** Without limit, in USD: where money comes from. */
  readonly world: bigint
  /** Without credit, in USD, empty. */
  readonly wallets: readonly bigint[]
  /** Posts in one transaction. */
  post(...entries: Entry[]): Promise<EntryOutcome[]>
  /** Posts one movement under a key of its own and answers its id; fails the test when it is refused. */
  move(movement: Movement): Promise<bigint>
  /** Moves an amount from the world to a wallet. */
  fund(wallet: bigint, amount: bigint): Promise<bigint>
  balance(account: bigint): Promise<{ posted: bigint; held: bigint; available: bigint; version: bigint }>
  /** The problems that the proof finds, as `table id`. */
  wrong(): Promise<string[]>
}

/** Makes a ledger with `count` wallets. */
export async function testLedger(count = 2, connections = 8): Promise<TestLedger> {
  const { db, url } = await testDatabase({ connections })
  const [world, ...wallets] = await openAccounts(db, count)
  let keys = 0
  const post = (...entries: Entry[]) => db.transaction((tx) => postEntries(tx, entries))
  async function move(movement: Movement): Promise<bigint> {
    keys += 1
    const [outcome] = await post({ key: `move:${keys}`, movements: [movement] })
    if (!outcome?.ok) throw new Error(`refused: ${outcome?.refusal}`)
    return outcome.id
  }
  return {
    db,
    url,
    world: world as bigint,
    wallets,
    post,
    move,
    fund: (wallet, amount) =>
      move({ kind: 'transfer', debit: world as bigint, credit: wallet, amount, reason: 'deposit' }),
    balance: async (account) => {
      const balance = (await balancesOf(db, [account])).get(account)
      if (!balance) throw new Error(`no account ${account}`)
      return balance
    },
    wrong: async () => (await verifyLedger(db)).problems.map((problem) => `${problem.table} ${problem.id}`),
  }
}

async function openAccounts(db: Db, count: number): Promise<bigint[]> {
  return db.transaction((tx) =>
    ensureAccounts(tx, [
      { owner_kind: 'platform', owner_id: 0n, purpose: 'world', asset: 'USD', credit_limit: null },
      ...Array.from({ length: count }, (_, i) => ({
        owner_kind: 'customer',
        owner_id: BigInt(i + 1),
        purpose: 'wallet',
        asset: 'USD',
        credit_limit: 0n,
      })),
    ]),
  )
}

/** Lets `count` callers through only when all of them have come. */
export function barrier(count: number): () => Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  let waiting = 0
  return () => {
    waiting += 1
    if (waiting >= count) resolve()
    return promise
  }
}
