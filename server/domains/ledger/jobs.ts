import type { App } from '#server/platform/app.ts'
import { startLoop } from '#server/platform/db/loop.ts'
import type { Chore } from '#server/platform/jobs/jobs.ts'
import { sealLag } from './queries.ts'
import { RELEASE_EXPIRED_MAX, releaseExpiredHolds } from './release-expired-holds.ts'
import { sealBlocks } from './seal.ts'

/** A seal costs a commit, and sorted lines are cheaper by the thousand, so some may gather. */
const SEAL_IDLE_MS = 250

/** What a worker does with the ledger, until stopped: it seals. Any number of workers may; one at a time does. */
export function startLedgerWork(app: Pick<App, 'db' | 'log' | 'metrics'>): { stop(): Promise<void> } {
  const { db, log, metrics } = app
  const blocks = metrics.gauge('saldo_ledger_unsealed_blocks', 'Postings that no seal covers yet')
  const age = metrics.gauge('saldo_ledger_unsealed_age_seconds', 'Age of the oldest posting that no seal covers yet')
  const sealed = metrics.counter('saldo_ledger_sealed_movements_total', 'Movements sealed')
  async function run(): Promise<boolean> {
    const { movements, is_full } = await sealBlocks(db)
    sealed.inc(movements)
    const lag = await sealLag(db)
    blocks.set(lag.blocks)
    age.set(lag.age_ms / 1000)
    return is_full
  }
  return startLoop({ name: 'ledger.seal', run, idle_ms: SEAL_IDLE_MS, log, metrics })
}

/** Every minute: a hold past its time cannot be captured, so to be released a little later harms no one. */
const releaseExpired: Chore = {
  name: 'ledger.release-expired-holds',
  cron: '* * * * *',
  run: async (app) => {
    let found = RELEASE_EXPIRED_MAX
    while (found === RELEASE_EXPIRED_MAX) found = await releaseExpiredHolds(app.db)
  },
}

/** The ledger's part of the timetable. */
export const ledgerChores: readonly Chore[] = [releaseExpired]
