import type { Chore } from '../jobs/jobs.ts'
import type { Db } from './database.ts'

/** Three months ahead: partitions are made in time though no scheduler ran for a season. */
const MONTHS_AHEAD = 3

/**
 * Makes the monthly partitions that are missing of each of these tables (`ledger.transfer`), one after another, and answers
 * how many were made. May be run at any time, by many at once. Throws what the database throws.
 */
export async function ensurePartitions(db: Db, tables: readonly string[]): Promise<number> {
  let made = 0
  // Each table in a transaction of its own: locks on one are not held while another is worked on.
  for (const table of tables) {
    const [row] = await db.query<{ made: number }>(
      'select platform.ensure_month_partitions($1::regclass, $2) as made',
      [table, MONTHS_AHEAD],
    )
    made += row?.made ?? 0
  }
  return made
}

/** The daily chore that keeps partitions ahead of time. */
export function partitionChore(tables: readonly string[]): Chore {
  return {
    name: 'platform.ensure-partitions',
    cron: '17 3 * * *',
    run: async (app) => {
      const made = await ensurePartitions(app.db, tables)
      if (made > 0) app.log.info({ made }, 'made monthly partitions')
    },
  }
}
