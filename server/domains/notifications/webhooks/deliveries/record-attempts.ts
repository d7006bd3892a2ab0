import { invariant } from '#server/kit/invariant.ts'
import type { App } from '#server/platform/app.ts'
import { dateArray, int8Array, int8Column, plainArray, textArray } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { emit } from '#server/platform/outbox/emit.ts'
import { webhookDisabled } from '../events.ts'
import { disableAfterHours, retryWaits } from '../settings.ts'
import { type DisabledReason, withoutQuery } from '../webhook.ts'
import {
  type AttemptOutcome,
  type DeliveryNext,
  type DeliveryState,
  decideDelivery,
  disabledBy,
  type Health,
  healthAfter,
  succeeded,
} from './decide-delivery.ts'

/** Bounds how long a batch holds its rows. */
export const RECORD_ATTEMPTS_MAX = 500

/** What failed longer ago than this many times the time after which a webhook is disabled says nothing about today. */
const FORGET_FACTOR = 2
const HOUR_MS = 3_600_000

/** What the table keeps of an answer, in characters. */
export const ANSWER_CHARS_MAX = 4_000

/** One request that was made, and what came of it. Its texts are masked and storable. */
export interface Attempt {
  event_id: string
  webhook_id: bigint
  /** Of the claim it was made under. */
  claims: number
  /** When it began. */
  at: Date
  url: string
  request_headers: Readonly<Record<string, string>>
  duration_ms: number
  outcome: AttemptOutcome
  response_headers?: Readonly<Record<string, string>> | undefined
  response_body?: string | undefined
}

/**
 * Writes attempts down and what follows from each, in one transaction: the delivery's next state, how its webhook fares, and that webhook's end when it is gone or has
 * failed for long. An attempt under a claim that was given up meanwhile is logged; if it succeeded, the event has arrived. InvariantError beyond RECORD_ATTEMPTS_MAX.
 */
export async function recordAttempts(app: App, attempts: readonly Attempt[]): Promise<void> {
  invariant(attempts.length <= RECORD_ATTEMPTS_MAX, 'recordAttempts: batch too long')
  if (attempts.length === 0) return
  const now = app.clock.now()
  const waits_ms = app.settings.read(retryWaits).map((seconds) => seconds * 1_000)
  await app.db.transaction(async (tx) => {
    const health = await lockHealth(tx, attempts)
    const deliveries = await lockDeliveries(tx, attempts)
    const changes: Change[] = []
    for (const attempt of attempts) {
      const delivery = deliveries.get(keyOf(attempt))
      // Too old by now, and swept.
      if (!delivery) continue
      const next = isAwaited(delivery, attempt) ? decideDelivery(delivery, attempt.outcome, waits_ms, now) : undefined
      changes.push({ attempt, number: delivery.attempts + 1, manual: delivery.manual, next })
      deliveries.set(keyOf(attempt), { ...delivery, ...next, attempts: delivery.attempts + 1 })
    }
    if (changes.length === 0) return
    writeAttempts(tx, changes)
    writeDeliveries(tx, changes)
    const ends = followHealth(app, tx, health, attempts, now)
    if (ends.size > 0) await disableWebhooks(tx, ends, now)
  })
}

type Locked = DeliveryState & { event_id: string; webhook_id: bigint }

interface Change {
  attempt: Attempt
  number: number
  manual: boolean
  /** Undefined: the attempt is logged, and that is all. */
  next: DeliveryNext | undefined
}

function keyOf({ event_id, webhook_id }: { event_id: string; webhook_id: bigint }): string {
  return `${event_id}/${webhook_id}`
}

/** Who was given up may still tell of a success: then the event need not be sent again. */
function isAwaited(delivery: DeliveryState, { claims, outcome }: Attempt): boolean {
  if (delivery.state === 'sending' && delivery.claims === claims) return true
  return delivery.delivered_at === null && succeeded(outcome)
}

const selectHealth = statement(`
  select webhook_id, failing_since, failures, last_failure_at, paused_until from notifications.webhook_health
  where webhook_id = any($1::bigint[])`)

// Health, deliveries, webhooks: the order in which all of this domain lock, each sorted.
const selectHealthLocked = statement(`${selectHealth.text} order by webhook_id for no key update`)

/** Of the webhooks that these attempts change: those that failed, and those that succeed again. The many that fare well stay unlocked. */
async function lockHealth(tx: Tx, attempts: readonly Attempt[]): Promise<Map<bigint, Health>> {
  type Row = Health & { webhook_id: bigint }
  const seen = await tx.query<Row>(selectHealth, [int8Array([...new Set(attempts.map((each) => each.webhook_id))])])
  const failed = new Set(attempts.filter(({ outcome }) => !succeeded(outcome)).map((each) => each.webhook_id))
  const changing = seen.filter((row) => failed.has(row.webhook_id) || row.failing_since !== null)
  if (changing.length === 0) return new Map()
  const rows = await tx.query<Row>(selectHealthLocked, [int8Column(changing, (row) => row.webhook_id)])
  return new Map(rows.map((row) => [row.webhook_id, row]))
}

const selectDeliveries = statement(`
  select d.event_id, d.webhook_id, d.state, d.claims, d.attempts, d.tries, d.manual, d.resume_at, d.delivered_at
  from unnest($1::uuid[], $2::bigint[]) as told (event_id, webhook_id)
  join notifications.webhook_delivery d on d.event_id = told.event_id and d.webhook_id = told.webhook_id
  order by d.event_id, d.webhook_id for no key update of d`)

async function lockDeliveries(tx: Tx, attempts: readonly Attempt[]): Promise<Map<string, Locked>> {
  const rows = await tx.query<Locked>(selectDeliveries, [
    plainArray(attempts.map((attempt) => attempt.event_id)),
    int8Column(attempts, (attempt) => attempt.webhook_id),
  ])
  return new Map(rows.map((row) => [keyOf(row), row]))
}

const insertAttempts = statement(`
  insert into notifications.webhook_attempt (event_id, webhook_id, number, at, manual, url, request_headers, duration_ms, status, failure,
    response_headers, response_body)
  select * from unnest($1::uuid[], $2::bigint[], $3::int[], $4::timestamptz[], $5::boolean[], $6::text[], $7::json[], $8::int[],
    $9::smallint[], $10::text[], $11::json[], $12::text[])`)

function writeAttempts(tx: Tx, changes: readonly Change[]): void {
  const attempts = changes.map((change) => change.attempt)
  tx.send(insertAttempts, [
    plainArray(attempts.map((attempt) => attempt.event_id)),
    int8Column(attempts, (attempt) => attempt.webhook_id),
    plainArray(changes.map((change) => change.number)),
    dateArray(attempts.map((attempt) => attempt.at)),
    plainArray(changes.map((change) => change.manual)),
    textArray(attempts.map((attempt) => attempt.url)),
    textArray(attempts.map((attempt) => JSON.stringify(attempt.request_headers))),
    plainArray(attempts.map((attempt) => attempt.duration_ms)),
    plainArray(attempts.map(({ outcome }) => ('status' in outcome ? outcome.status : null))),
    textArray(attempts.map(({ outcome }) => ('status' in outcome ? null : outcome.failure))),
    textArray(attempts.map(({ response_headers }) => response_headers && JSON.stringify(response_headers))),
    textArray(attempts.map((attempt) => attempt.response_body)),
  ])
}

const updateDeliveries = statement(`
  update notifications.webhook_delivery d
  set attempts = greatest(d.attempts, new.attempts), state = coalesce(new.state, d.state),
    tries = case when new.state is null then d.tries else new.tries end,
    due_at = case when new.state is null then d.due_at else new.due_at end,
    delivered_at = case when new.state is null then d.delivered_at else new.delivered_at end,
    manual = d.manual and new.state is null,
    resume_at = case when new.state is null then d.resume_at end,
    claimed_until = case when new.state is null then d.claimed_until end,
    reason = case when new.state is null then d.reason end
  from unnest($1::uuid[], $2::bigint[], $3::int[], $4::text[], $5::int[], $6::timestamptz[], $7::timestamptz[])
    as new (event_id, webhook_id, attempts, state, tries, due_at, delivered_at)
  where d.event_id = new.event_id and d.webhook_id = new.webhook_id`)

/** Of two attempts on one delivery in a batch the one that decides counts, with the number of the last. */
function writeDeliveries(tx: Tx, changes: readonly Change[]): void {
  const last = new Map<string, Change>()
  for (const change of changes) {
    const before = last.get(keyOf(change.attempt))
    last.set(keyOf(change.attempt), { ...change, next: change.next ?? before?.next })
  }
  const rows = [...last.values()]
  tx.send(updateDeliveries, [
    plainArray(rows.map(({ attempt }) => attempt.event_id)),
    int8Column(rows, ({ attempt }) => attempt.webhook_id),
    plainArray(rows.map(({ number }) => number)),
    plainArray(rows.map(({ next }) => next?.state)),
    plainArray(rows.map(({ next }) => next?.tries)),
    dateArray(rows.map(({ next }) => next?.due_at)),
    dateArray(rows.map(({ next }) => next?.delivered_at)),
  ])
}

const updateHealth = statement(`
  update notifications.webhook_health h
  set failing_since = new.failing_since, failures = new.failures, last_failure_at = new.last_failure_at, paused_until = new.paused_until
  from unnest($1::bigint[], $2::timestamptz[], $3::int[], $4::timestamptz[], $5::timestamptz[])
    as new (webhook_id, failing_since, failures, last_failure_at, paused_until)
  where h.webhook_id = new.webhook_id`)

/** Answers which webhooks are to be disabled, and why. */
function followHealth(
  app: App,
  tx: Tx,
  health: Map<bigint, Health>,
  attempts: readonly Attempt[],
  now: Date,
): Map<bigint, DisabledReason> {
  if (health.size === 0) return new Map()
  const disable_after_ms = app.settings.read(disableAfterHours) * HOUR_MS
  const ends = new Map<bigint, DisabledReason>()
  for (const { webhook_id, outcome } of attempts) {
    const before = health.get(webhook_id)
    if (!before) continue
    const after = healthAfter(before, outcome, FORGET_FACTOR * disable_after_ms, now)
    health.set(webhook_id, after)
    const reason = disabledBy(after, outcome, disable_after_ms, now)
    if (reason) ends.set(webhook_id, reason)
    else if (ends.get(webhook_id) === 'failing') ends.delete(webhook_id)
  }
  const rows = [...health]
  tx.send(updateHealth, [
    int8Column(rows, ([webhook_id]) => webhook_id),
    dateArray(rows.map(([, row]) => row.failing_since)),
    plainArray(rows.map(([, row]) => row.failures)),
    dateArray(rows.map(([, row]) => row.last_failure_at)),
    dateArray(rows.map(([, row]) => row.paused_until)),
  ])
  return ends
}

const disable = statement(`
  update notifications.webhook w
  set state = 'disabled', disabled_reason = new.reason, disabled_at = $3, version = version + 1
  from unnest($1::bigint[], $2::text[]) as new (id, reason)
  where w.id = new.id and w.state = 'enabled' and w.deleted_at is null
  returning w.id as webhook_id, w.user_id, w.url, w.disabled_reason as reason`)

async function disableWebhooks(tx: Tx, ends: Map<bigint, DisabledReason>, now: Date): Promise<void> {
  const rows = await tx.query<{ webhook_id: bigint; user_id: bigint; url: string; reason: DisabledReason }>(disable, [
    int8Array([...ends.keys()]),
    plainArray([...ends.values()]),
    now,
  ])
  emit(
    tx,
    webhookDisabled,
    rows.map(({ url, ...row }) => ({ ...row, url: withoutQuery(url), at: now.toISOString() })),
  )
}
