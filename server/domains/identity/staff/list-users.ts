import type { App } from '#server/platform/app.ts'
import { Conditions, startingWith } from '#server/platform/db/conditions.ts'
import type { Principal } from '../principal.ts'
import { USER_COLUMNS, type User, type UserState } from '../user.ts'
import { addVisibleUsers } from './visible-users.ts'

/** More are asked for page by page. */
export const USERS_PAGE_MAX = 100

export interface UserFilter {
  /** The beginning of an address or a name in any case, or a whole id. */
  q?: string | undefined
  role?: string | undefined
  state?: UserState | undefined
  /** At or after. */
  created_from?: Date | undefined
  /** Before. */
  created_to?: Date | undefined
}

export type ListedUser = User & { blocked_at: Date | null; last_seen_at: Date | null }

/** When a user was last seen by session or key, to the minute; null for never. */
export const LAST_SEEN = `greatest(
    (select max(last_seen_at) from identity.session where user_id = "user".id),
    (select max(last_used_at) from identity.api_key where user_id = "user".id))`

/** The users that `principal` may read and that pass the filter, newest first, those below the id `before` where it is given. `limit` is cut at USERS_PAGE_MAX. */
export async function listUsers(
  app: Pick<App, 'db'>,
  principal: Principal,
  filter: UserFilter,
  { before, limit }: { before?: bigint | undefined; limit: number },
): Promise<{ users: ListedUser[]; has_more: boolean }> {
  const page = Math.max(1, Math.min(limit, USERS_PAGE_MAX))
  const where = conditionsOf(principal, filter)
  if (before !== undefined) where.add(`id < ${where.value(before)}`)
  // The first rows are found before the sessions of each are looked at.
  const sql = `
    select ${USER_COLUMNS}, blocked_at, ${LAST_SEEN} as last_seen_at
    from (select * from identity.user where ${where.sql} order by id desc limit ${page + 1}) as "user"
    order by id desc`
  const users = await app.db.query<ListedUser>(sql, where.values)
  return { users: users.slice(0, page), has_more: users.length > page }
}

export interface UserCount {
  role: string
  state: UserState
  users: number
}

/** How many of them there are, by role and state. */
export function countUsers(app: Pick<App, 'db'>, principal: Principal, filter: UserFilter): Promise<UserCount[]> {
  const where = conditionsOf(principal, filter)
  const sql = `
    select role, state, count(*)::int as users from identity.user where ${where.sql} group by role, state order by role, state`
  return app.db.query<UserCount>(sql, where.values)
}

function conditionsOf(principal: Principal, filter: UserFilter): Conditions {
  const where = new Conditions()
  addVisibleUsers(where, principal, 'read')
  const { q, role, state, created_from, created_to } = filter
  if (role !== undefined) where.add(`role = ${where.value(role)}`)
  if (state !== undefined) where.add(`state = ${where.value(state)}`)
  if (created_from) where.add(`created_at >= ${where.value(created_from)}`)
  if (created_to) where.add(`created_at < ${where.value(created_to)}`)
  if (q !== undefined) where.add(matching(where, q.trim().toLowerCase()))
  return where
}

function matching(where: Conditions, text: string): string {
  const start = where.value(startingWith(text))
  // The second condition is the index's own.
  const by_text = `email like ${start} or (lower(name) like ${start} and name <> '')`
  return /^[1-9]\d{0,17}$/.test(text) ? `${by_text} or id = ${where.value(text)}` : by_text
}
