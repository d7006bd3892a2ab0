import { dateArray, int8Array, plainArray, textArray } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { emit } from '#server/platform/outbox/emit.ts'
import { type RefillTold, refillsChanged } from '../events.ts'
import { REFILL_ENDS, type Refill, type RefillState, shownRefill, waitsForStaff } from './refill.ts'

/** A refill locked by the caller's transaction, and what of it is to be otherwise. */
export interface RefillChange {
  before: Refill
  after: Partial<Refill>
}

const update = statement(`
  update orders.refill r set state = new.state, provider_refill_id = new.provider_refill_id, provider_status = new.provider_status,
    attempts = new.attempts, next_try_at = new.next_try_at, claimed_until = new.claimed_until, failed_checks = new.failed_checks, code = new.code,
    message = new.message, decided_by = new.decided_by, decision_reason = new.decision_reason, ended_at = new.ended_at,
    waiting_since = new.waiting_since, version = r.version + 1
  from (select unnest($1::bigint[]) as id, unnest($2::text[]) as state, unnest($3::text[]) as provider_refill_id, unnest($4::text[]) as provider_status,
    unnest($5::text[]) as code, unnest($6::text[]) as message, unnest($7::text[]) as decided_by, unnest($8::text[]) as decision_reason,
    unnest($9::smallint[]) as attempts, unnest($10::smallint[]) as failed_checks, unnest($11::timestamptz[]) as next_try_at,
    unnest($12::timestamptz[]) as claimed_until, unnest($13::timestamptz[]) as ended_at, unnest($14::timestamptz[]) as waiting_since) as new
  where r.id = new.id`)

/** Writes changed refills, and tells of those whose customer sees the change: the one place that updates them, but for the times of polling. */
export function writeRefills(tx: Tx, changes: readonly RefillChange[], now: Date): void {
  if (changes.length === 0) return
  const rows = changes.map((change) => rowAfter(change, now))
  const texts = [
    'state',
    'provider_refill_id',
    'provider_status',
    'code',
    'message',
    'decided_by',
    'decision_reason',
  ] as const
  tx.send(update, [
    int8Array(rows.map(({ id }) => id)),
    ...texts.map((name) => textArray(rows.map((row) => row[name]))),
    ...(['attempts', 'failed_checks'] as const).map((name) => plainArray(rows.map((row) => row[name]))),
    ...(['next_try_at', 'claimed_until', 'ended_at', 'waiting_since'] as const).map((name) =>
      dateArray(rows.map((row) => row[name])),
    ),
  ])
  const seen = rows.filter((row, i) => shownRefill(row.state) !== shownRefill(changes[i]?.before.state as RefillState))
  tellRefills(
    tx,
    seen.map((row) => ({ ...row, version: row.version + 1n })),
  )
}

const TRIED: readonly RefillState[] = ['asked', 'pending', 'in_progress']

/** A claim, a next try and a wait for staff end with the state that has them. */
function rowAfter({ before, after }: RefillChange, now: Date): Refill {
  const row = { ...before, ...after }
  const since = waitsForStaff(before) ? (before.waiting_since ?? now) : now
  return {
    ...row,
    next_try_at: !row.manual && TRIED.includes(row.state) ? row.next_try_at : null,
    claimed_until: row.state === 'sent' ? row.claimed_until : null,
    ended_at: REFILL_ENDS.includes(row.state) ? now : null,
    waiting_since: waitsForStaff(row) ? since : null,
  }
}

/** Of one event: a payload stays far below what the outbox takes. */
const TOLD_MAX = 100

/** Tells how refills stand, as their customers see them. */
export function tellRefills(
  tx: Tx,
  refills: readonly Pick<Refill, 'id' | 'order_id' | 'customer_id' | 'state' | 'version'>[],
): void {
  const told = refills.map(({ id, order_id, customer_id, state, version }): RefillTold => {
    return { refill_id: id, order_id, customer_id, status: shownRefill(state), version }
  })
  for (let at = 0; at < told.length; at += TOLD_MAX) {
    emit(tx, refillsChanged, [{ refills: told.slice(at, at + TOLD_MAX) }])
  }
}
