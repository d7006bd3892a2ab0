import type { RefillOutcome } from '#server/domains/providers/provider.ts'
import { unreachable } from '#server/kit/invariant.ts'
import type { App } from '#server/platform/app.ts'
import { int8Array, textArray } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { nextCheck_ms } from '../following/poll-schedule.ts'
import { isAwaited, replyOf, type Tries } from '../wish.ts'
import { lockRefills } from './queries.ts'
import type { Refill } from './refill.ts'
import { type RefillChange, writeRefills } from './write-refills.ts'

/** Tried again for a day or so. */
const TRIES: Tries = { max: 30, backoff: { base_ms: 2_000, max_ms: 3_600_000 } }

/** How the sending of a refill ended: of which one its `attempts` say. */
export interface RefillAnswer {
  order_id: bigint
  refill: Pick<Refill, 'id' | 'attempts'>
  outcome: RefillOutcome
}

/**
 * Writes down what was answered to refills, in one transaction. The answer of a sender that was given up is taken over too; what staff have decided since stands. A number that is another
 * refill's is none: the refill is unknown then, for staff.
 */
export async function recordRefills(
  { db, clock }: Pick<App, 'db' | 'clock'>,
  answers: readonly RefillAnswer[],
): Promise<void> {
  await db.transaction(async (tx) => {
    const now = clock.now()
    const known = await lockRefills(
      tx,
      answers.map(({ refill }) => refill.id),
    )
    const awaited = answers.flatMap(({ refill, outcome }) => {
      const before = known.get(refill.id)
      return before && isAwaited(before, refill, outcome) ? [{ before, outcome }] : []
    })
    const changes = (await withoutTakenNumbers(tx, awaited)).map(({ before, outcome }): RefillChange => {
      return { before, after: afterAnswer(before, outcome, now) }
    })
    writeRefills(tx, changes, now)
  })
}

interface Awaited {
  before: Refill
  outcome: RefillOutcome | { outcome: 'taken'; provider_refill_id: string }
}

const takenNumbers = statement(`
  select r.id, r.provider_id, r.provider_refill_id
  from unnest($1::bigint[], $2::text[]) as told (provider_id, provider_refill_id)
  join orders.refill r using (provider_id, provider_refill_id)`)

/** Whether the number at this provider belongs to another refill. The index decides where two come at once. */
export async function isRefillNumberTaken(
  tx: Tx,
  { id, provider_id }: Pick<Refill, 'id' | 'provider_id'>,
  provider_refill_id: string,
): Promise<boolean> {
  const rows = await tx.query<{ id: bigint }>(takenNumbers, [int8Array([provider_id]), textArray([provider_refill_id])])
  return rows.some((row) => row.id !== id)
}

async function withoutTakenNumbers(tx: Tx, awaited: readonly Awaited[]): Promise<Awaited[]> {
  const told = awaited.flatMap(({ before: { provider_id }, outcome }) => {
    return outcome.outcome === 'accepted' ? [{ provider_id, provider_refill_id: outcome.provider_refill_id }] : []
  })
  if (told.length === 0) return [...awaited]
  const rows = await tx.query<{ provider_id: bigint; provider_refill_id: string }>(takenNumbers, [
    int8Array(told.map((each) => each.provider_id)),
    textArray(told.map((each) => each.provider_refill_id)),
  ])
  const taken = new Set(rows.map((row) => `${row.provider_id}/${row.provider_refill_id}`))
  return awaited.map(({ before, outcome }) => {
    if (outcome.outcome !== 'accepted') return { before, outcome }
    const { provider_refill_id } = outcome
    const number = `${before.provider_id}/${provider_refill_id}`
    if (taken.has(number)) return { before, outcome: { outcome: 'taken', provider_refill_id } }
    taken.add(number)
    return { before, outcome }
  })
}

/** What the answer makes of the wish. Only one that did not leave, or was not listened to, is sent again. Pure. */
export function afterAnswer(
  { attempts }: Pick<Refill, 'attempts'>,
  outcome: Awaited['outcome'],
  now: Date,
): Partial<Refill> {
  if (outcome.outcome === 'taken') {
    const message = `The provider answered number ${outcome.provider_refill_id}, which is another refill's.`
    return { state: 'unknown', code: 'refill_number_taken', message }
  }
  const reply = replyOf<{ provider_refill_id: string }>(outcome, attempts, TRIES, now)
  const { code, message } = reply
  switch (reply.kind) {
    case 'accepted': {
      const { provider_refill_id } = reply.accepted
      const next_try_at = new Date(now.getTime() + nextCheck_ms(0, 0))
      return { state: 'pending', provider_refill_id, code, message, next_try_at }
    }
    case 'unknown':
      return { state: 'unknown', code, message }
    case 'refused':
      return { state: 'rejected', code, message }
    case 'unheard':
      return { state: 'error', code, message }
    case 'again':
      return { state: 'asked', code, message, next_try_at: reply.next_try_at }
    default:
      return unreachable(reply)
  }
}
