import { systemClock } from '#server/kit/clock.ts'
import { type Problem, readersFor, runChecks } from '#server/platform/db/check.ts'
import type { Db } from '#server/platform/db/database.ts'
import { readSnapshot, type Snapshot } from '#server/platform/db/read-snapshot.ts'
import { checkBalances, checkLines } from './verify/check-accounts.ts'
import { checkAssets, checkNames, checkSums } from './verify/check-assets.ts'
import { blockChecks, checkSeals } from './verify/check-blocks.ts'
import { checkEntries, checkKeys, checkReversals } from './verify/check-entries.ts'
import { checkHeld, checkHoldAccounts, checkHoldUse } from './verify/check-holds.ts'

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
    const problems = await runChecks(checks, readers, onProgress)
    const [figures] = (await first.query<Figures>(FIGURES)) as [Figures]
    return { ...figures, ok: problems.length === 0, problems, duration_ms: systemClock.monotonic_ms() - begin }
  })
}

const FIGURES = `
  select (select count(*) from ledger.balance) as accounts, (select count(*) from ledger.entry) as entries,
    (select count(*) from ledger.transfer) as transfers, (select count(*) from ledger.hold) as holds,
    (select count(*) from ledger.release) as releases, (select count(*) from ledger.seal) as seals,
    (select count(*) from ledger.unsealed) as unsealed_blocks,
    (select encode(hash, 'hex') from ledger.seal order by number desc limit 1) as head`
