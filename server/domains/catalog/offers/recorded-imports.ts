import { present } from '#server/kit/invariant.ts'
import { type Db, statement, type Tx } from '#server/platform/db/database.ts'
import type { MarkupRule } from '../markup.ts'

/** What was taken in of a provider's list, by whom and when. */
export interface RecordedImport {
  id: bigint
  provider_id: bigint
  at: Date
  user_id: bigint | null
  /** When the list was asked for. */
  asked_at: Date
  /** How many services were chosen of it; null: all. */
  chosen: number | null
  created: number
  updated: number
  unchanged: number
  /** Sold before and not after. Of chosen ones these count as updated. */
  deactivated: number
  refused: number
  percent_bp: bigint | null
  fixed: bigint | null
  minimum_margin: bigint | null
  step: bigint | null
}

type Counted = Omit<RecordedImport, 'id' | keyof MarkupRule>

const COLUMNS = `id, provider_id, at, user_id, asked_at, chosen, created, updated, unchanged, deactivated, refused, percent_bp, fixed,
  minimum_margin, step`

const insert = statement(`
  insert into catalog.service_import (provider_id, at, user_id, asked_at, chosen, created, updated, unchanged, deactivated, refused,
    percent_bp, fixed, minimum_margin, step)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) returning id`)

/** Writes an import into the history, as part of its transaction, with the mark-up rule that came with it. Answers its number. */
export async function recordImport(tx: Tx, counted: Counted, markup: MarkupRule | undefined): Promise<bigint> {
  const { provider_id, at, user_id, asked_at, chosen, created, updated, unchanged, deactivated, refused } = counted
  const figures = [markup?.percent_bp, markup?.fixed, markup?.minimum_margin, markup?.step].map((each) => each ?? null)
  const counts = [chosen, created, updated, unchanged, deactivated, refused]
  const rows = await tx.query<{ id: bigint }>(insert, [provider_id, at, user_id, asked_at, ...counts, ...figures])
  return present(rows[0], 'an import has a number').id
}

const latest = statement(`
  select ${COLUMNS} from catalog.service_import
  where provider_id = $1 and id < $2 order by id desc limit $3`)

/** A provider's imports, latest first, those below the number `before`. */
export function selectImports(
  db: Pick<Db, 'query'>,
  { provider_id, before, limit }: { provider_id: bigint; before: bigint; limit: number },
): Promise<RecordedImport[]> {
  return db.query<RecordedImport>(latest, [provider_id, before, limit])
}
