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
  pause_reason: string | null
}

/** What may be done with a provider now. Reading is always allowed, so that orders already placed are followed to their end. */
export const providerCan = {
  place: (row: Pick<ProviderRow, 'enabled' | 'paused_until'>, now: Date): boolean =>
    row.enabled && (row.paused_until === null || row.paused_until <= now),
}
