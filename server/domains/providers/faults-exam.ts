import type { PlaceRequest, ProviderReadError } from './provider.ts'

/** What can go wrong on the way, in words of no protocol. `_before` comes instead of the work, `_after` once it is done. */
export type ExamFault =
  | 'cut_before'
  | 'cut_after'
  | 'cut_within_answer'
  | 'silent_before'
  | 'silent_after'
  | 'crash_before'
  | 'crash_after'
  | 'gateway_error_after'
  | 'page_before'
  | 'page_after'
  | 'challenge_before'
  | 'empty_before'
  | 'empty_after'
  | 'broken_before'
  | 'broken_after'
  | 'endless_after'
  | 'no_id_after'
  | 'redirect'
  | 'no_funds'
  | 'no_funds_as_crash'
  | 'duplicate'
  | 'rate_limited'
  | 'wrong_key'
  | 'slow'
  | 'row_missing'
  | 'row_refused'
  | 'row_rubbish'
  | 'batch_refused'
  | 'status_unknown'
  | 'figures_unreadable'
  | 'cancel_refused'
  | 'cancel_ignored'
  | 'refill_refused'
  | 'refill_status_unknown'

/** How placing must end under each fault, and how many orders the server then has. */
export const PLACING: readonly (readonly [ExamFault, object, number])[] = [
  ['cut_before', { outcome: 'unknown', reason: 'connection_lost' }, 0],
  ['cut_after', { outcome: 'unknown', reason: 'connection_lost' }, 1],
  ['cut_within_answer', { outcome: 'unknown', reason: 'connection_lost' }, 1],
  ['silent_before', { outcome: 'unknown', reason: 'timeout' }, 0],
  ['silent_after', { outcome: 'unknown', reason: 'timeout' }, 1],
  ['crash_before', { outcome: 'unknown', reason: 'server_error' }, 0],
  ['crash_after', { outcome: 'unknown', reason: 'server_error' }, 1],
  ['gateway_error_after', { outcome: 'unknown', reason: 'server_error' }, 1],
  ['page_before', { outcome: 'unknown', reason: 'unreadable_answer' }, 0],
  ['page_after', { outcome: 'unknown', reason: 'unreadable_answer' }, 1],
  ['challenge_before', { outcome: 'unknown', reason: 'unreadable_answer' }, 0],
  ['empty_before', { outcome: 'unknown', reason: 'unreadable_answer' }, 0],
  ['empty_after', { outcome: 'unknown', reason: 'unreadable_answer' }, 1],
  ['broken_before', { outcome: 'unknown', reason: 'unreadable_answer' }, 0],
  ['broken_after', { outcome: 'unknown', reason: 'unreadable_answer' }, 1],
  ['endless_after', { outcome: 'unknown', reason: 'unreadable_answer' }, 1],
  ['no_id_after', { outcome: 'unknown', reason: 'unreadable_answer' }, 1],
  ['redirect', { outcome: 'unknown', reason: 'unreadable_answer' }, 0],
  ['no_funds', { outcome: 'rejected', code: 'insufficient_provider_balance' }, 0],
  ['no_funds_as_crash', { outcome: 'rejected', code: 'insufficient_provider_balance' }, 0],
  ['duplicate', { outcome: 'rejected', code: 'duplicate_link' }, 0],
  ['rate_limited', { outcome: 'rejected', code: 'rate_limited' }, 0],
  ['wrong_key', { outcome: 'rejected', code: 'invalid_key' }, 0],
]

/** How a read must end under each fault, and how often it may be tried. */
export const READING: readonly (readonly [ExamFault, ProviderReadError['reason'], number])[] = [
  ['cut_before', 'unreachable', 3],
  ['cut_within_answer', 'unreachable', 3],
  ['silent_before', 'timeout', 3],
  ['crash_before', 'server_error', 3],
  ['page_before', 'unreadable_answer', 1],
  ['challenge_before', 'unreadable_answer', 1],
  ['empty_before', 'unreadable_answer', 1],
  ['broken_before', 'unreadable_answer', 1],
  ['redirect', 'unreadable_answer', 1],
  ['rate_limited', 'rate_limited', 1],
  ['wrong_key', 'invalid_key', 1],
]

/** Orders that a provider cannot take, and what its refusal must be understood as. */
export const INPUTS: readonly (readonly [Partial<PlaceRequest>, string])[] = [
  [{ provider_service_id: '999999' }, 'service_not_found'],
  [{ link: 'no link at all' }, 'bad_link'],
  [{ quantity: 1_000_000_000n }, 'quantity_out_of_range'],
]

/** How asking for something about an order must end under each fault, and whether the server has then done it. */
export const ASKING: readonly (readonly [ExamFault, object, boolean])[] = PLACING.filter(
  // Those that are of `add` alone.
  ([fault]) => !['no_id_after', 'no_funds', 'duplicate'].includes(fault),
).map(([fault, expected, done]) => [fault, expected, done > 0])
