import { plainArray, textArray } from '#server/platform/db/arrays.ts'
import type { Conditions } from '#server/platform/db/conditions.ts'
import type { Principal } from '../principal.ts'
import type { Pattern } from '../rights/permission.ts'

/** What a pattern says of users: of which role, and which one; undefined stands for any. */
interface Reach {
  role: string | undefined
  id: string | undefined
}

/** Takes up that `principal` may `verb` the user of a row of identity.user: the same that `can` says of `users:<verb>:<role>:<id>`. */
export function addVisibleUsers(where: Conditions, { rights }: Principal, verb: string): void {
  const { granted, denied, within } = rights
  where.add(reached(where, granted, verb))
  if (within) where.add(reached(where, within, verb))
  const hidden = reached(where, denied, verb)
  if (hidden !== 'false') where.add(`not (${hidden})`)
}

function reached(where: Conditions, patterns: readonly Pattern[], verb: string): string {
  const reaches = patterns.map((pattern) => reachOf(pattern, verb)).filter((each) => each !== undefined)
  if (reaches.some(({ role, id }) => role === undefined && id === undefined)) return 'true'
  const roles = reaches.flatMap(({ role, id }) => (role !== undefined && id === undefined ? [role] : []))
  const ids = reaches.flatMap(({ role, id }) => (role === undefined && id !== undefined ? [id] : []))
  const single = reaches.filter(({ role, id }) => role !== undefined && id !== undefined)
  const either: string[] = []
  if (roles.length > 0) either.push(`role = any(${where.value(textArray(roles))}::text[])`)
  if (ids.length > 0) either.push(`id = any(${where.value(plainArray(ids))}::bigint[])`)
  if (single.length > 0) {
    const numbers = where.value(plainArray(single.map(({ id }) => id)))
    const names = where.value(textArray(single.map(({ role, id }) => `${role}:${id}`)))
    either.push(`id = any(${numbers}::bigint[]) and role || ':' || id = any(${names}::text[])`)
  }
  return either.map((each) => `(${each})`).join(' or ') || 'false'
}

/** Beyond, a number is none of PostgreSQL's bigint, and nobody's id. */
const ID = /^[1-9]\d{0,17}$/

function reachOf(pattern: Pattern, verb: string): Reach | undefined {
  const [kind, what, role, id, ...more] = pattern
  if (kind === '**') return { role: undefined, id: undefined }
  if (kind !== 'users' && kind !== '*') return undefined
  if (what === '**') return { role: undefined, id: undefined }
  if (what !== verb && what !== '*') return undefined
  if (role === '**') return { role: undefined, id: undefined }
  if (role === undefined || id === undefined || more.length > 0) return undefined
  const any_id = id === '*' || id === '**' || id === '{id}'
  if (!any_id && !ID.test(id)) return undefined
  // A role may be named by a number as little as a user by a word.
  if (role === '{id}') return undefined
  return { role: role === '*' ? undefined : role, id: any_id ? undefined : id }
}
