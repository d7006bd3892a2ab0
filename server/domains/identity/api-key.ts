import type { Scope } from './principal.ts'

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
}

/** The columns of `ApiKey`. */
export const API_KEY_COLUMNS = `id, user_id, name, prefix, scopes, allowed_ips::text[] as allowed_ips, legacy_get,
  created_at, expires_at, last_used_at`

/** Not revoked. More than one per shop, tool and colleague is a client that makes keys in a loop. */
export const API_KEYS_PER_USER_MAX = 50
