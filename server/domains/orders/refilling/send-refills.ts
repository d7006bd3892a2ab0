import { type RefillOutcome, wasNotHeard } from '#server/domains/providers/provider.ts'
import type { Providers } from '#server/domains/providers/registry.ts'
import { backoff_ms } from '#server/kit/backoff.ts'
import type { App } from '#server/platform/app.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { nextCheck_ms } from '../following/poll-schedule.ts'
import { recordApart } from '../record-apart.ts'
import { lockRefills } from './queries.ts'
import { REFILL_COLUMNS, type Refill } from './refill.ts'
import { type RefillChange, writeRefills } from './write-refills.ts'

/** Wishes sent in one turn. */
const BATCH_MAX = 50

/** Longer than a call may take with its waiting. */
const LEASE_EXTRA_MS = 30_000

/** Where the wish did not leave the house, or the provider had no ear for it: tried again, for a day or so. */
const TRIES_MAX = 30
const BACKOFF = { base_ms: 2_000, max_ms: 3_600_000 }

const MESSAGE_MAX = 500

export const REFILLS_LOOP = 'orders.refill'

/**
 * Sends the refills that were asked for to the provider that did the orders: marked as sent first, then asked one by one, then the answers are written. One whose answer is not known
 * is never sent again. Answers whether there may be more.
 */
export async function sendRefills(app: App, providers: Providers, provider_id: bigint): Promise<boolean> {
  const provider = await providers.providerById(provider_id)
  const lease_ms = 3 * provider.row.timeout_ms + LEASE_EXTRA_MS
  const sent = await app.db.transaction((tx) => claim(app, tx, provider_id, lease_ms))
  const answers = await Promise.all(
    sent.map(async (refill): Promise<Answered> => {
      const { order_id } = refill
      return { order_id, refill, outcome: await provider.refill(refill.provider_order_id ?? '', { order_id }) }
    }),
  )
  await recordApart(app, REFILLS_LOOP, answers, (part) => app.db.transaction((tx) => record(app, tx, part)))
  return sent.length === BATCH_MAX
}

// Who decides on one of them at this moment is not waited for.
const takeDue = statement(`
  select ${REFILL_COLUMNS} from orders.refill
  where provider_id = $1 and state = 'asked' and next_try_at <= $2
  order by next_try_at limit ${BATCH_MAX} for no key update skip locked`)

async function claim({ clock }: App, tx: Tx, provider_id: bigint, lease_ms: number): Promise<Refill[]> {
  const now = clock.now()
  const due = await tx.query<Refill>(takeDue, [provider_id, now])
  const claimed_until = new Date(now.getTime() + lease_ms)
  const changes = due.map((before): RefillChange => {
    return { before, after: { state: 'sent', attempts: before.attempts + 1, claimed_until } }
  })
  writeRefills(tx, changes, now)
  return changes.map(({ before, after }) => ({ ...before, ...after }))
}

interface Answered {
  order_id: bigint
  refill: Refill
  outcome: RefillOutcome
}

/** One that was given up meanwhile is taken over too; what staff have decided since stands. */
async function record({ clock }: App, tx: Tx, answers: readonly Answered[]): Promise<void> {
  const now = clock.now()
  const known = await lockRefills(
    tx,
    answers.map(({ refill }) => refill.id),
  )
  const changes = answers.flatMap(({ refill, outcome }): RefillChange[] => {
    const before = known.get(refill.id)
    const waits = before?.state === 'sent' || before?.state === 'unknown'
    if (!before || !waits || before.attempts !== refill.attempts) return []
    return [{ before, after: afterAnswer(before, outcome, now) }]
  })
  writeRefills(tx, changes, now)
}

/** What the answer makes of the wish. Only one that did not leave, or was not listened to, is sent again. */
export function afterAnswer(
  { attempts }: Pick<Refill, 'attempts'>,
  outcome: RefillOutcome,
  now: Date,
): Partial<Refill> {
  if (outcome.outcome === 'accepted') {
    const { provider_refill_id } = outcome
    const next_try_at = new Date(now.getTime() + nextCheck_ms(0, 0))
    return { state: 'pending', provider_refill_id, code: null, message: null, next_try_at }
  }
  const message = outcome.message.slice(0, MESSAGE_MAX) || null
  if (outcome.outcome === 'unknown') return { state: 'unknown', code: outcome.reason, message }
  const { code } = outcome
  if (!wasNotHeard(code)) return { state: 'rejected', code, message }
  if (attempts >= TRIES_MAX) return { state: 'error', code, message }
  return { state: 'asked', code, message, next_try_at: new Date(now.getTime() + backoff_ms(attempts, BACKOFF)) }
}

const interrupted = statement(`
  select ${REFILL_COLUMNS} from orders.refill where state = 'sent' and claimed_until <= $1
  order by claimed_until limit 1000 for no key update skip locked`)

/** Calls refills unknown whose sender has not come back. Answers how many. */
export async function sweepRefills({ db, clock }: Pick<App, 'db' | 'clock'>): Promise<number> {
  return db.transaction(async (tx) => {
    const now = clock.now()
    const found = await tx.query<Refill>(interrupted, [now])
    const message = 'The sending was interrupted; it may or may not have reached the provider.'
    writeRefills(
      tx,
      found.map((before) => ({ before, after: { state: 'unknown', code: 'interrupted', message } })),
      now,
    )
    return found.length
  })
}
