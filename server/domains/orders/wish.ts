import { type CallOutcome, wasNotHeard } from '#server/domains/providers/provider.ts'
import type { ProviderRow } from '#server/domains/providers/provider-row.ts'
import { backoff_ms } from '#server/kit/backoff.ts'
import { askLease_ms } from './ask-lease.ts'

// What is wanted of an order that is placed, its end or a refill, is sent to its provider in the same way: marked as sent and committed, then asked, then the answer is written. How
// long that may take, which answer is still one, and what it means.

/** Wishes sent in one turn: a dozen seconds' work at the slowest provider. */
export const WISHES_MAX = 50

const MESSAGE_MAX = 500

/** The end of a sending that nobody has come back from: whether the provider heard it is not known. */
export const INTERRUPTED = {
  outcome: 'unknown',
  reason: 'interrupted',
  message: 'The sending was interrupted; it may or may not have reached the provider.',
} as const satisfies CallOutcome

/** What of a wish says which sending it is at. */
interface Sending {
  state: string
  /** Sendings so far; each is one more. */
  attempts: number
  code: string | null
}

/** The wish sent once more, from `now` on. */
export function sending({ attempts }: Pick<Sending, 'attempts'>, provider: Pick<ProviderRow, 'timeout_ms'>, now: Date) {
  return {
    state: 'sent',
    attempts: attempts + 1,
    claimed_until: new Date(now.getTime() + askLease_ms(provider)),
  } as const
}

/**
 * Whether `outcome` is still the answer to the wish, of which it was sending `attempts`. One that came after its sender was given up is; of one that was sent anew, or has its end
 * from an answer or from people, it is not.
 */
export function isAwaited(known: Sending, { attempts }: Pick<Sending, 'attempts'>, outcome: CallOutcome): boolean {
  if (known.attempts !== attempts) return false
  if (known.state === 'sent') return true
  return known.state === 'unknown' && known.code === INTERRUPTED.reason && outcome.outcome !== 'unknown'
}

/** What an answer says. `again`: it did not leave the house or was not listened to, and is sent anew at `next_try_at`; `unheard`: that happened too often. */
export type Reply<Accepted extends object = object> =
  | { kind: 'accepted'; code: null; message: null; accepted: Accepted }
  | { kind: 'refused' | 'unheard' | 'unknown'; code: string; message: string | null }
  | { kind: 'again'; code: string; message: string | null; next_try_at: Date }

/** How often what was not heard is sent, and after which pauses. */
export interface Tries {
  max: number
  backoff: { base_ms: number; max_ms: number }
}

/** Reads the answer to sending `attempts` of a wish. Pure. */
export function replyOf<Accepted extends object>(
  outcome: CallOutcome<Accepted>,
  attempts: number,
  tries: Tries,
  now: Date,
): Reply<Accepted> {
  if (outcome.outcome === 'accepted') return { kind: 'accepted', code: null, message: null, accepted: outcome }
  const message = outcome.message.slice(0, MESSAGE_MAX) || null
  if (outcome.outcome === 'unknown') return { kind: 'unknown', code: outcome.reason, message }
  const { code } = outcome
  if (!wasNotHeard(code)) return { kind: 'refused', code, message }
  if (attempts >= tries.max) return { kind: 'unheard', code, message }
  return { kind: 'again', code, message, next_try_at: new Date(now.getTime() + backoff_ms(attempts, tries.backoff)) }
}
