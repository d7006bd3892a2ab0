import { type Db, statement } from '#server/platform/db/database.ts'

const selectLag = statement(`
  select count(*)::int as acts, coalesce(extract(epoch from clock_timestamp() - min(at)) * 1000, 0)::float8 as age_ms
  from audit.unsealed`)

/** How far the sealer is behind: acts not sealed yet, and the age of the oldest. */
export async function sealLag(db: Pick<Db, 'query'>): Promise<{ acts: number; age_ms: number }> {
  const [row] = await db.query<{ acts: number; age_ms: number }>(selectLag)
  return row ?? { acts: 0, age_ms: 0 }
}
