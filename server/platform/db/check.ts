import { availableParallelism } from 'node:os'
import type { Db } from './database.ts'
import type { Snapshot } from './read-snapshot.ts'

/** A row that is not as it must be. Ids and values as texts. */
export interface Problem {
  table: string
  id: string
  what: string
  expected: string
  found: string
}

/** One thing to prove. Answers what is wrong, the first first, PROBLEMS_MAX at the most. */
export interface Check {
  /** For those who wait: "balances of accounts". */
  readonly name: string
  run(snapshot: Snapshot): Promise<Problem[]>
}

/** Damage has one cause and thousands of symptoms; the first ones lead to it. */
export const PROBLEMS_MAX = 10

/** More would take the database from those who work on it. */
const READERS_MAX = 4

/** A check of one statement whose rows are the problems; `limit ${PROBLEMS_MAX}` is for the statement to say. */
export function checkOf(name: string, sql: string): Check {
  return { name, run: (snapshot) => snapshot.query<Problem>(sql) }
}

/** How many may prove side by side on this database. */
export function readersFor(db: Db): number {
  return Math.max(1, Math.min(READERS_MAX, availableParallelism(), db.pool.options.max - 1))
}

/** Runs each check once, as many side by side as there are readers. The problems come in the order of the checks. */
export async function runChecks(
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
