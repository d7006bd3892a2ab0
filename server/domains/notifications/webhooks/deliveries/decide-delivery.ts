import { jittered_ms } from '#server/kit/backoff.ts'

/** How one attempt went. */
export type AttemptOutcome =
  | { status: number; retry_after_ms: number | undefined }
  /** No whole answer came; the word says why. */
  | { failure: string }

/** What of a delivery decides what comes next. */
export interface DeliveryState {
  state: 'due' | 'sending' | 'waiting' | 'delivered' | 'failed'
  claims: number
  attempts: number
  tries: number
  manual: boolean
  resume_at: Date | null
  delivered_at: Date | null
}

/** What is to stand in a delivery from now on. */
export interface DeliveryNext {
  state: 'waiting' | 'delivered' | 'failed'
  tries: number
  due_at: Date | null
  delivered_at: Date | null
}

/** Up to a tenth more or less than the schedule says: those who failed together do not return together. */
const JITTER = 0.1

/** A receiver may ask for a longer wait, but not put us off for ever. */
const RETRY_AFTER_MAX_MS = 3_600_000

/** Only 2xx: a redirect is not followed, so whoever sends one did not get the event. */
export function succeeded(outcome: AttemptOutcome): boolean {
  return 'status' in outcome && outcome.status >= 200 && outcome.status < 300
}

/** 410: the receiver wants nothing more, now or later. */
function isGone(outcome: AttemptOutcome): boolean {
  return 'status' in outcome && outcome.status === 410
}

/**
 * What comes after an attempt. A failure waits as the schedule says (`waits_ms`, the first behind the first try), or longer where the receiver asks for it; after the
 * last wait it has failed. A failed attempt that a person asked for changes nothing: what was delivered stays so, and a schedule goes on where it was.
 */
export function decideDelivery(
  delivery: DeliveryState,
  outcome: AttemptOutcome,
  waits_ms: readonly number[],
  now: Date,
  random?: () => number,
): DeliveryNext {
  const tries = delivery.tries + (delivery.manual ? 0 : 1)
  if (succeeded(outcome)) return { state: 'delivered', tries, due_at: null, delivered_at: delivery.delivered_at ?? now }
  if (delivery.delivered_at) return { state: 'delivered', tries, due_at: null, delivered_at: delivery.delivered_at }
  const failed: DeliveryNext = { state: 'failed', tries, due_at: null, delivered_at: null }
  if (isGone(outcome)) return failed
  if (delivery.manual) {
    return delivery.resume_at ? { ...failed, state: 'waiting', due_at: delivery.resume_at } : failed
  }
  const wait_ms = waits_ms[tries - 1]
  if (wait_ms === undefined) return failed
  const asked_ms = 'status' in outcome ? Math.min(outcome.retry_after_ms ?? 0, RETRY_AFTER_MAX_MS) : 0
  const due_at = new Date(now.getTime() + Math.max(jittered_ms(wait_ms, JITTER, random), asked_ms))
  return { ...failed, state: 'waiting', due_at }
}

/** How a webhook fares, as it stands in the database. */
export interface Health {
  failing_since: Date | null
  failures: number
  last_failure_at: Date | null
  paused_until: Date | null
}

/** Answers by which a receiver says that it has too much to do. */
const THROTTLING = [429, 502, 503, 504]

/** How long a webhook rests that throttles and does not say for how long; longer each time. */
const REST_MIN_MS = 1_000
const REST_MAX_MS = 60_000

/** The health after an attempt that ended at `now`. What failed so long ago that it says nothing about today is forgotten: `forget_ms`. */
export function healthAfter(health: Health, outcome: AttemptOutcome, forget_ms: number, now: Date): Health {
  if (succeeded(outcome))
    return { failing_since: null, failures: 0, last_failure_at: health.last_failure_at, paused_until: null }
  const forgotten = health.last_failure_at !== null && now.getTime() - health.last_failure_at.getTime() > forget_ms
  const failing_since = forgotten ? now : (health.failing_since ?? now)
  const failures = (forgotten ? 0 : health.failures) + 1
  return { failing_since, failures, last_failure_at: now, paused_until: pausedUntil(outcome, failures, now) }
}

function pausedUntil(outcome: AttemptOutcome, failures: number, now: Date): Date | null {
  if (!('status' in outcome) || !THROTTLING.includes(outcome.status)) return null
  const rest_ms = Math.min(REST_MAX_MS, REST_MIN_MS * 2 ** Math.min(failures - 1, 10))
  const pause_ms = Math.min(RETRY_AFTER_MAX_MS, outcome.retry_after_ms ?? rest_ms)
  return new Date(now.getTime() + pause_ms)
}

/** Why the webhook is to be disabled after this, if so. */
export function disabledBy(
  health: Health,
  outcome: AttemptOutcome,
  disable_after_ms: number,
  now: Date,
): 'gone' | 'failing' | undefined {
  if (isGone(outcome)) return 'gone'
  const since = health.failing_since
  return since !== null && now.getTime() - since.getTime() >= disable_after_ms ? 'failing' : undefined
}

/** The wait that a Retry-After header asks for: whole seconds or a date. Undefined where it says nothing that makes sense. */
export function retryAfter_ms(header: string | undefined, now: Date): number | undefined {
  if (header === undefined) return undefined
  const text = header.trim()
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1_000
  // Only the form that HTTP has: a lenient reader takes almost anything for a date.
  if (!/^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(text)) return undefined
  const time = Date.parse(text)
  return Number.isNaN(time) ? undefined : Math.max(0, time - now.getTime())
}
