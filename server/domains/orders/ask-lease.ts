import type { ProviderRow } from '#server/domains/providers/provider-row.ts'

/** Beyond the time that a call may take: what is written before and after it. */
const LEASE_EXTRA_MS = 30_000

/** For how long whoever asks a provider about something has it alone, in milliseconds: longer than a call may take with its waiting for a line, being sent and being answered. */
export function askLease_ms({ timeout_ms }: Pick<ProviderRow, 'timeout_ms'>): number {
  return 3 * timeout_ms + LEASE_EXTRA_MS
}
