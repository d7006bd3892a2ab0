import { encodeJson } from '#server/kit/json.ts'
import { dateArray, textArray } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import type { AlertKind, Data } from '../texts/kinds.ts'
import { graceOf } from './alert.ts'

/** How something stands: wrong, with what there is to say; or well. */
export interface Observation {
  kind: AlertKind
  subject?: string
  /** Undefined: it is well. */
  wrong: Data | undefined
}

// Of two who see the same at once the second adds to the first's row.
const RAISE = statement(`
  insert into notifications.alert (kind, subject, data, raised_at, last_seen_at, next_tell_at)
  select new.kind, new.subject, new.data, $5, $5, new.tell_at
  from unnest($1::text[], $2::text[], $3::json[], $4::timestamptz[]) as new (kind, subject, data, tell_at) order by 1, 2
  on conflict (kind, subject) where cleared_at is null do update
  set data = excluded.data, last_seen_at = excluded.last_seen_at, count = alert.count + 1, good_since = null`)

const WELL = statement(`
  update notifications.alert a set good_since = $3
  from unnest($1::text[], $2::text[]) as well (kind, subject)
  where a.kind = well.kind and a.subject = well.subject and a.cleared_at is null and a.good_since is null`)

/** Takes over how things stand, as part of the transaction: what is wrong opens an alert or keeps it open, what is well lets it come to its end. Tells nobody yet. */
export function observe(tx: Tx, now: Date, observations: readonly Observation[]): void {
  const wrong = observations.filter((each) => each.wrong !== undefined)
  const well = observations.filter((each) => each.wrong === undefined)
  if (wrong.length > 0) {
    tx.send(RAISE, [
      ...namesOf(wrong),
      textArray(wrong.map((each) => encodeJson(each.wrong))),
      dateArray(wrong.map((each) => new Date(now.getTime() + graceOf(each.kind)))),
      now,
    ])
  }
  if (well.length > 0) tx.send(WELL, [...namesOf(well), now])
}

function namesOf(observations: readonly Observation[]): string[] {
  return [textArray(observations.map((each) => each.kind)), textArray(observations.map((each) => each.subject ?? ''))]
}
