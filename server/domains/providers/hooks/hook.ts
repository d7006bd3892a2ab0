/** What a provider's calls to us came to. The secret is no part of it: it is told once. */
export interface Hook {
  provider_id: bigint
  rotated_at: Date
  calls: bigint
  /** Orders in them that are known, and those that are not. */
  known: bigint
  unknown: bigint
  last_call_at: Date | null
}

/** The columns of a Hook. */
export const HOOK_COLUMNS = 'provider_id, rotated_at, calls, known, unknown, last_call_at'

/** What a hook's secret is sealed for: a ciphertext moved to another row does not open. */
export function hookContext(provider_id: bigint): string {
  return `providers.hook:${provider_id}:secret`
}
