import { invariant } from '#server/kit/invariant.ts'
import { plainArray } from '../db/arrays.ts'
import { statement, type Tx } from '../db/database.ts'

/** A page of the list. */
const RESOLVE_FAILURES_MAX = 100

const RESOLVE = statement(`
  update platform.failure set resolved_at = $2, resolved_by = $3
  where id = any(array(select id from platform.failure where id = any($1::bigint[]) and resolved_at is null order by id for no key update))
  returning id`)

/**
 * Marks failures as seen to, by whoever `by` names. The next occurrence opens one again. Answers the ids of those that were open; again does
 * nothing. At most RESOLVE_FAILURES_MAX.
 */
export async function resolveFailures(
  tx: Tx,
  { ids, by, at }: { ids: readonly bigint[]; by: string; at: Date },
): Promise<bigint[]> {
  invariant(ids.length <= RESOLVE_FAILURES_MAX, `more than ${RESOLVE_FAILURES_MAX} failures at once`)
  if (ids.length === 0) return []
  const rows = await tx.query<{ id: bigint }>(RESOLVE, [plainArray(ids), at, by])
  return rows.map((row) => row.id)
}
