import type { Scope } from '../principal.ts'

/** A key as its owner sees it; the key itself is shown once, when it is made. */
export interface ApiKey {
  readonly id: bigint
  readonly user_id: bigint
  readonly name: string
  readonly prefix: string
  readonly scopes: Scope[]
  readonly allowed_ips: string[]
  readonly legacy_get: boolean
  readonly created_at: Date
  readonly expires_at: Date | null
  readonly last_used_at: Date | null
  /** The key that this one took the place of. */
  readonly rotated_from: bigint | null
  /** Since when it opens nothing; null: it is not suspended. */
  readonly suspended_at: Date | null
  readonly suspended_by: 'rule' | 'staff' | null
  /** Which rule, or what staff wrote. */
  readonly suspended_for: string | null
  /** The figures that the rule went by. */
  readonly suspension_evidence: Record<string, string | null> | null
}

/** The columns of `ApiKey`. */
export const API_KEY_COLUMNS = `id, user_id, name, prefix, scopes, allowed_ips::text[] as allowed_ips, legacy_get,
  created_at, expires_at, last_used_at, rotated_from, suspended_at, suspended_by, suspended_for, suspension_evidence`

/** Not revoked, not expired. More than one per shop, tool and colleague is a client that makes keys in a loop. */
export const API_KEYS_PER_USER_MAX = 50

/** Keys in rotation count twice for a while; so many are never exceeded. */
export const API_KEYS_IN_ROTATION_MAX = 2 * API_KEYS_PER_USER_MAX

/** What the audit keeps of a key: enough to see what it could do, nothing that opens anything. */
export function apiKeyFacts(key: ApiKey) {
  const { name, prefix, scopes, allowed_ips, legacy_get, expires_at } = key
  return { name, prefix, scopes, allowed_ips, legacy_get, expires_at }
}

/** Since when, by whom and why a key is suspended; null when it is not. */
export function suspensionOf({ suspended_at, suspended_by, suspended_for, suspension_evidence }: ApiKey) {
  if (suspended_at === null || suspended_by === null || suspended_for === null) return null
  return { at: suspended_at, by: suspended_by, reason: suspended_for, evidence: suspension_evidence }
}
