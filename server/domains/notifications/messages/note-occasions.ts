import { encodeJson } from '#server/kit/json.ts'
import { plainArray, textArray } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { type Occasion, summed } from './gathering.ts'

const INSERT = statement(`
  insert into notifications.occasion (user_id, kind, tallies, at)
  select *, $4::timestamptz from unnest($1::bigint[], $2::text[], $3::json[])`)

/**
 * Notes occasions, one row for each user and kind, as part of the transaction; sent without waiting. They are gathered apart from it (`gatherOccasions`): what a user has gathered
 * is one row that many events want to change, and a publisher that waits for such rows holds up everyone else whom it tells.
 */
export function noteOccasions(tx: Tx, now: Date, occasions: readonly Occasion[]): void {
  if (occasions.length === 0) return
  const rows = summed(occasions)
  tx.send(INSERT, [
    plainArray(rows.map((row) => row.user_id)),
    textArray(rows.map((row) => row.kind)),
    textArray(rows.map((row) => encodeJson(row.tallies))),
    now,
  ])
}
