import type { ProviderReadError } from './provider.ts'

/** How our last attempt to read the balance ended. Only `ok` says something about the balance. */
export type BalanceStatus = 'ok' | ProviderReadError['reason']

export const IDEMPOTENCIES = ['none', 'request_id', 'natural_window'] as const

/** A provider as it is stored, without its key. */
export interface ProviderRow {
  id: bigint
  name: string
  adapter: string
  url: string
  /** Asset of prices, charges and balance; amounts have `scale` decimal digits. */
  currency: string
  scale: number
  enabled: boolean
  timeout_ms: number
  concurrency: number
  rate_per_second: number
  statuses_max: number
  idempotency: (typeof IDEMPOTENCIES)[number]
  /** How long after it was sent first the same order may be sent again, where `idempotency` knows repetitions. */
  idempotency_window_s: number
  /** Whether it can be asked for a list of our orders. */
  lists_orders: boolean
  created_at: Date
  version: bigint
  /** The last balance that could be read; it stays while later attempts fail. */
  balance: bigint | null
  /** When that balance was asked for. */
  balance_read_at: Date | null
  balance_checked_at: Date | null
  balance_status: BalanceStatus | null
  balance_error: string | null
  paused_until: Date | null
  /** When the first began of a row of pauses, of which that is the last. */
  paused_since: Date | null
  pause_reason: string | null
}

/** What may be done with a provider now. Reading is always allowed, so that orders already placed are followed to their end. */
export const providerCan = {
  place: (row: Pick<ProviderRow, 'enabled' | 'paused_until'>, now: Date): boolean =>
    row.enabled && (row.paused_until === null || row.paused_until <= now),
  /** Whether orders that could go elsewhere should go to it: a pause of moments is waited for. */
  take: (row: Pick<ProviderRow, 'enabled' | 'paused_until' | 'paused_since'>, now: Date): boolean =>
    row.enabled && !isPausedLong(row, now),
}

/** A pause that has so long to go is no moment, nor are pauses in a row for so long. */
const LONG_PAUSE_MS = 10_000
const LONG_TROUBLE_MS = 60_000

/** Between two pauses of a row a single order tries the provider. */
const BETWEEN_PAUSES_MS = 10_000

function isPausedLong({ paused_until, paused_since }: Pick<ProviderRow, 'paused_until' | 'paused_since'>, now: Date) {
  if (paused_until === null) return false
  const left_ms = paused_until.getTime() - now.getTime()
  if (left_ms > LONG_PAUSE_MS) return true
  const troubled_ms = paused_since === null ? 0 : now.getTime() - paused_since.getTime()
  return left_ms > -BETWEEN_PAUSES_MS && troubled_ms >= LONG_TROUBLE_MS
}
