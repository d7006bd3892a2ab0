import { availableParallelism } from 'node:os'
import { systemClock } from '#server/kit/clock.ts'
import type { Db } from '#server/platform/db/database.ts'
import type { Check, Problem, Snapshot } from './verify/check.ts'
import { checkBalances, checkLines } from './verify/check-accounts.ts'
import { checkAssets, checkNames, checkSums } from './verify/check-assets.ts'
import { blockChecks, checkSeals } from './verify/check-blocks.ts'
import { checkEntries, checkKeys, checkReversals } from './verify/check-entries.ts'
import { checkHeld, checkHoldAccounts, checkHoldUse } from './verify/check-holds.ts'
import { readSnapshot } from './verify/read-snapshot.ts'

/** More would take the database from those who work on it. */
const READERS_MAX = 4

/** What was proven. `head` is the hash of the last seal: kept elsewhere, it also shows that no later state was put in the ledger's place. */
export interface Figures {
  accounts: bigint
  entries: bigint
  transfers: bigint
  holds: bigint
  releases: bigint
  seals: bigint
  unsealed_blocks: bigint
  head: string | null
}

/** `ok` exactly when there is no problem. The first problem is the first wrong row of the first thing that is not proven. */
export type Verification = Figures & { ok: boolean; problems: Problem[]; duration_ms: number }

/**
 * Proves the ledger as it was at one moment, while it goes on living: balances, versions, sums, holds, entries, blocks, lines, seals. `onProgress` hears in
 * plain words what has been proven. Throws what the database throws.
 */
export async function verifyLedger(
  db: Db,
  { onProgress = () => {} }: { onProgress?: (text: string) => void } = {},
): Promise<Verification> {
  const begin = systemClock.monotonic_ms()
  return readSnapshot(db, readersFor(db), async (readers) => {
    const [first] = readers as [Snapshot]
    const checks = [
      checkBalances,
      checkLines,
      checkSums,
      checkAssets,
      checkNames,
      checkHoldUse,
      checkHoldAccounts,
      checkHeld,
    ]
    checks.push(checkKeys, checkEntries, checkReversals, checkSeals, ...(await blockChecks(first)))
    const problems = await runAll(checks, readers, onProgress)
    const [figures] = (await first.query<Figures>(FIGURES)) as [Figures]
    return { ...figures, ok: problems.length === 0, problems, duration_ms: systemClock.monotonic_ms() - begin }
  })
}

function readersFor(db: Db): number {
  return Math.max(1, Math.min(READERS_MAX, availableParallelism(), db.pool.options.max - 1))
}

/** Runs each check once, as many side by side as there are readers. The problems come in the order of the checks. */
async function runAll(
  checks: readonly Check[],
  readers: readonly Snapshot[],
  onProgress: (text: string) => void,
): Promise<Problem[]> {
  const found: Problem[][] = []
  let next = 0
  async function workDown(reader: Snapshot): Promise<void> {
    for (let i = next++; i < checks.length; i = next++) {
      const check = checks[i] as Check
      const problems = await check.run(reader)
      found[i] = problems
      onProgress(`${problems.length === 0 ? 'proven' : 'WRONG'}: ${check.name}`)
    }
  }
  await Promise.all(readers.map(workDown))
  return found.flat()
}

const FIGURES = `
  select (select count(*) from ledger.balance) as accounts, (select count(*) from ledger.entry) as entries,
    (select count(*) from ledger.transfer) as transfers, (select count(*) from ledger.hold) as holds,
    (select count(*) from ledger.release) as releases, (select count(*) from ledger.seal) as seals,
    (select count(*) from ledger.unsealed) as unsealed_blocks,
    (select encode(hash, 'hex') from ledger.seal order by number desc limit 1) as head`
