import type { Area } from '../principal.ts'
import { isPattern, parsePattern } from './permission.ts'
import type { Rights } from './rights.ts'

/** A preset of permissions that many users have. */
export interface Role {
  readonly name: string
  readonly description: string
  readonly permissions: readonly string[]
  /** One of the house's own people: bound to the networks and the second factor of staff. */
  readonly staff: boolean
  /** Where its people sign in besides /api/v1. */
  readonly area: Area | null
  /** Came with the house, and stays. */
  readonly built_in: boolean
  readonly updated_at: Date
}

/** The columns of `Role`. */
export const ROLE_COLUMNS = 'role.name, description, permissions, staff, area, built_in, updated_at'

/** May do everything, whatever is added to the house; cannot be changed. */
export const ADMINISTRATOR = 'administrator'

export const ROLE_NAME = /^[a-z][a-z0-9_-]{1,39}$/
export const ROLE_DESCRIPTION_MAX = 300

/** A page of them; whoever needs more has them for single users, who have permissions of their own. */
export const ROLES_MAX = 200

/** Of a role, and of each list of a user: more cannot be read any more. Two lists, with their lengths, fit into an act of the audit. */
export const PERMISSIONS_MAX = 90
export const PERMISSION_CHARS_MAX = 80

/** Each once, in order. Undefined when one is no pattern or there are too many. */
export function normalPermissions(given: readonly string[]): string[] | undefined {
  const permissions = [...new Set(given)].sort()
  if (permissions.length > PERMISSIONS_MAX) return undefined
  return permissions.every((each) => each.length <= PERMISSION_CHARS_MAX && isPattern(each)) ? permissions : undefined
}

/** Those of `permissions` that `before` did not have and `rights` do not hold: who changes a list must not add them. */
export function notHeld(rights: Rights, before: readonly string[], permissions: readonly string[]): string[] {
  const known = new Set(before)
  return permissions.filter((each) => !known.has(each) && !rights.holds(parsePattern(each)))
}
