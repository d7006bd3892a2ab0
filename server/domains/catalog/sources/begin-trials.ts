import { int8Array } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'

// SKIP LOCKED: whoever holds it begins the trial, or ends the quarantine.
const begin = statement(`
  update catalog.quarantine set trial_until = $3
  where service_id in (
    select service_id from catalog.quarantine
    where service_id = any($1::bigint[]) and released_at is null and until <= $2 and (trial_until is null or trial_until <= $2)
    order by service_id for update skip locked)
  returning service_id`)

/** Begins the trial of those of these sources whose quarantine has run out and that are not on trial: of many callers at once one. Answers which; the caller sends one order to each. */
export async function beginTrials(
  tx: Tx,
  service_ids: readonly bigint[],
  { now, until }: { now: Date; until: Date },
): Promise<bigint[]> {
  const rows = await tx.query<{ service_id: bigint }>(begin, [int8Array(service_ids), now, until])
  return rows.map((row) => row.service_id)
}
