import { inBlock } from '#server/domains/ledger/block.ts'
import { present } from '#server/kit/invariant.ts'
import type { App } from '#server/platform/app.ts'
import { type Statement, statement } from '#server/platform/db/database.ts'

/** Summed in one transaction: bounds its memory, and for how long whoever goes on at the same time waits. One seal may have as many by itself. */
const MOVEMENTS_MAX = 200_000
const SEALS_MAX = 2_000

const NEXT = statement(`
  select max(number) as seal from (
    select number, last_line from ledger.seal where number > $1 order by number limit ${SEALS_MAX}) as waiting
  where last_line <= $2::bigint + ${MOVEMENTS_MAX} or number = $1 + 1`)

/** The rows of a table of the ledger that lie in the blocks of a CTE `block`, by their indexes; `at` leads to the one partition. */
export const ofBlocks = (table: string, columns: string, alias: string, at = '') => `
    from block cross join lateral (
      select ${columns} from ledger.${table} where ${inBlock('id')} ${at} offset 0) as ${alias}`

/** The one partition in which the blocks' rows of `table` lie. */
export const atBlock = (table: string) => `and ${table}.at = block.at`

/** Takes up what has been sealed since the last time, and answers whether there is more. */
type FollowSeals = (app: Pick<App, 'db'>) => Promise<{ more: boolean }>

/** Sums that are kept behind the seals, and the table with the one row that says up to which seal they go. */
interface Sums {
  /** Reads and locks that row: of two who go on at once the second waits here, and finds what the first has done. */
  lock: Statement
  /** Adds what was sealed after seal $1 up to seal $2. */
  sum: Statement
  /** Sets that row to seal $1. */
  advance: Statement
}

/** Makes the chore that keeps sums behind the seals of the ledger. Each movement is taken once, whoever else does the same and whenever it was stopped. */
export function followSeals({ lock, sum, advance }: Sums): FollowSeals {
  return (app) =>
    app.db.transaction(async (tx) => {
      const [row] = await tx.query<{ seal: bigint; last_line: bigint }>(lock)
      const { seal, last_line } = present(row, 'the row of progress was made with its table')
      const [next] = await tx.query<{ seal: bigint | null }>(NEXT, [seal, last_line])
      if (!next || next.seal === null) return { more: false }
      await tx.query(sum, [seal, next.seal])
      await tx.query(advance, [next.seal])
      return { more: true }
    })
}

/** Makes the query that tells up to when the sums behind `progress` go: `complete` when nothing has moved since. */
export function readProgress(progress: string) {
  const read = statement(`
    select progress.at, not exists (select from ledger.unsealed)
      and progress.seal = coalesce((select number from ledger.seal order by number desc limit 1), 0) as complete
    from ${progress} as progress`)
  return async (app: Pick<App, 'db'>): Promise<{ at: Date | null; complete: boolean }> => {
    const [row] = await app.db.query<{ at: Date | null; complete: boolean }>(read)
    return row ?? { at: null, complete: false }
  }
}
