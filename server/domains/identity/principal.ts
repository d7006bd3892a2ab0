import type { Must, Shown } from './must.ts'
import { type Rights, rightsOf } from './rights/rights.ts'

/** What a key may be limited to. A scope never gives what the role does not have. */
export const SCOPES = {
  '*': ['*'],
  read: ['*:read', '*:read:*'],
  order: ['orders:place:*', 'orders:cancel:*', 'orders:refill:*'],
} as const satisfies Record<string, readonly string[]>
export type Scope = keyof typeof SCOPES

/**
 * A key never manages keys, sessions, passwords, people or rights: a leaked one could make itself successors that survive its revocation.
 */
const NEVER_BY_KEY = [
  'api-keys:*',
  'sessions:*',
  'account:secure:*',
  'account:two-factor:*',
  // Nor may it keep its owner from hearing of it.
  'messages:edit:*',
  'roles:edit',
  'users:create:*',
  'users:grant:*',
  'users:reset-2fa:*',
] as const

/** A door of its own for people of some roles: `/api/admin` and so on. */
export const AREAS = ['admin', 'support', 'teamlead', 'trader', 'merchant'] as const
export type Area = (typeof AREAS)[number]

/** Who acts, as found by a session or a key. Frozen and shared between requests; made by `principalOfRow`. */
export interface Principal {
  readonly user_id: bigint
  readonly role: string
  /** Whether the role is one of the house's own people. */
  readonly staff: boolean
  /** Where people of the role sign in besides /api/v1. */
  readonly area: Area | null
  /** Patterns: those of the role and those of this user alone. */
  readonly permissions: readonly string[]
  /** Patterns that are taken from this user, whatever grants them. */
  readonly denied: readonly string[]
  readonly via: 'key' | 'session'
  /** Where the session was opened; null: at /api/v1. Keys have none. */
  readonly session_area: Area | null
  /** Only via a key. */
  readonly key_id: bigint | undefined
  /** The key with which the line of rotations began that `key_id` is in: itself, where it took no other's place. */
  readonly first_key_id: bigint | undefined
  /** The second gate, for keys; a session has `*`. */
  readonly scopes: readonly Scope[]
  /** Whether this key may stand in the URL of a GET on /api/v2. */
  readonly legacy_get: boolean
  /** What the user has to do before anything else; the rights are as narrow until then. */
  readonly must?: Must
  /** All of this together, compiled. */
  readonly rights: Rights
}

/** The columns that tell what a user may do; `holder` is the alias of `identity.holder`. */
export const HOLDER_COLUMNS =
  'holder.role, holder.staff, holder.area, holder.permissions, holder.denied, holder.unconfirmed, holder.totp'

export type HolderRow = Pick<Principal, 'user_id' | 'role' | 'staff' | 'area' | 'permissions' | 'denied'>

/** The columns of HOLDER_COLUMNS. */
export type StoredHolder = HolderRow & Shown

/** A principal by the rights of `holder`, through a session that was opened in `session_area`, or through a key with its scopes. */
export function principalOfRow(
  { user_id, role, staff, area, permissions, denied }: HolderRow,
  through:
    | Pick<Principal, 'session_area'>
    | {
        readonly key_id: bigint
        /** `key_id` without it. */
        readonly first_key_id?: bigint | undefined
        readonly scopes: readonly Scope[]
        readonly legacy_get: boolean
      },
): Principal {
  const holder = { user_id, role, staff, area, permissions, denied }
  if ('session_area' in through) {
    const { session_area } = through
    const rights = rightsOf({ granted: permissions, denied })
    const no_key = { key_id: undefined, first_key_id: undefined, legacy_get: false } as const
    const rest = { via: 'session', ...no_key, scopes: EVERY_SCOPE } as const
    return Object.freeze({ ...holder, session_area, ...rest, rights })
  }
  const { key_id, first_key_id = key_id, scopes, legacy_get } = through
  const within = scopes.flatMap((scope) => SCOPES[scope])
  const rights = rightsOf({ granted: permissions, denied: [...denied, ...NEVER_BY_KEY], within })
  const key = { key_id, first_key_id, scopes, legacy_get }
  return Object.freeze({ ...holder, session_area: null, via: 'key', ...key, rights })
}

const EVERY_SCOPE: readonly Scope[] = ['*']

/**
 * Whether `principal` may do `needed`, such as `orders:place:own`: the role or a grant of this user covers it, nothing denies it and, with a key, a scope of the key covers it.
 * With words left open (`users:read:{role}:{id}`): whether that may be so for some.
 */
export function can(principal: Principal, needed: string): boolean {
  return principal.rights.may(needed)
}
