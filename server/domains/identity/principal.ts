/** What a key may be limited to. A scope never gives what the role does not have. */
export const SCOPES = {
  '*': ['*'],
  read: ['*:read', '*:read:*'],
  order: ['orders:place:*', 'orders:cancel:*', 'orders:refill:*'],
} as const satisfies Record<string, readonly string[]>
export type Scope = keyof typeof SCOPES

/** A key never manages keys or sessions: a leaked one could make itself successors that survive its revocation. */
const NEVER_BY_KEY = ['api-keys:*', 'sessions:*'] as const

/** Who acts, as found by a session or a key. Frozen and shared between requests. */
export interface Principal {
  readonly user_id: bigint
  readonly role: string
  readonly permissions: readonly string[]
  readonly via: 'key' | 'session'
  /** Only via a key. */
  readonly key_id: bigint | undefined
  /** The second gate, for keys; a session has `*`. */
  readonly scopes: readonly Scope[]
  /** Whether this key may stand in the URL of a GET on /api/v2. */
  readonly legacy_get: boolean
}

/** Whether `principal` may do `needed`, such as `orders:place:own`: the role grants it and, with a key, a scope of the key covers it. */
export function can(principal: Principal, needed: string): boolean {
  if (!principal.permissions.some((granted) => covers(granted, needed))) return false
  if (principal.via === 'session') return true
  if (NEVER_BY_KEY.some((pattern) => covers(pattern, needed))) return false
  return principal.scopes.some((scope) => SCOPES[scope].some((pattern) => covers(pattern, needed)))
}

/**
 * Whether the pattern `granted` covers `needed`. Words are joined by colons; `*` covers exactly one word, and as the last word one or more.
 * A pattern shorter than what is needed covers nothing more than itself.
 */
export function covers(granted: string, needed: string): boolean {
  const have = granted.split(':')
  const want = needed.split(':')
  if (want.includes('') || want.includes('*')) return false
  for (let i = 0; i < have.length; i++) {
    const last = i === have.length - 1
    if (i >= want.length) return false
    if (have[i] === '*' && last) return true
    if (have[i] !== '*' && have[i] !== want[i]) return false
  }
  return have.length === want.length
}
