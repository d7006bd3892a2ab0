import type { FastifyRequest } from 'fastify'
import type { Actor } from '#server/domains/audit/act.ts'
import { present } from '#server/kit/invariant.ts'
import { plainArray } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { actorOf } from '../actor-of.ts'
import { ForbiddenError, UnauthenticatedError, UserNotFoundError } from '../errors.ts'
import { principalOf } from '../guard-routes.ts'
import { can, HOLDER_COLUMNS, type HolderRow, type Principal, principalOfRow } from '../principal.ts'
import type { UserState } from '../user.ts'
import { MoreRightsError, OwnAccountError } from './errors.ts'
import { type Rights, rightsOf } from './rights.ts'

/** Who changes people and rights: a user with what they hold, or whoever sits at the terminal, who may do everything. */
export interface Editor {
  readonly principal: Principal | undefined
  readonly actor: Actor
}

/** Who sends this request, as an editor. */
export function editorOf(request: FastifyRequest): Editor {
  return { principal: principalOf(request), actor: actorOf(request) }
}

/** A user whose row is locked, with what they may do. */
export type LockedUser = HolderRow & { readonly state: UserState; readonly rights: Rights }

// The one statement that locks users for others' changes, in the order of their ids: two who change each other take turns.
const LOCK = statement('select id from identity.user where id = any($1::bigint[]) order by id for no key update')

// A statement of its own, so that it sees what the one before waited for.
const READ = statement(`
  select holder.user_id, holder.state, ${HOLDER_COLUMNS} from identity.holder where holder.user_id = any($1::bigint[])`)

/** Locks a user whom `editor` is about to `verb` (`block`, `grant` …), for which `users:<verb>:<role>:<id>` is needed. As `lockUser`. */
export async function lockForEdit(tx: Tx, editor: Editor, user_id: bigint, verb: string) {
  return lockUser(tx, editor, user_id, ({ role, user_id }) => `users:${verb}:${role}:${user_id}`)
}

/**
 * Locks a user to whom `editor` is about to do what the permission `needed` is for, and the editor, whose rights are read anew: what was taken from them a moment ago no longer counts. Throws
 * UserNotFoundError, also for who may not even see the user; ForbiddenError; OwnAccountError, since nobody does these things to themselves; MoreRightsError when the user may do
 * more than the editor. Answers the user and the editor as a principal of now.
 */
export async function lockUser(
  tx: Tx,
  editor: Editor,
  user_id: bigint,
  needed: (user: HolderRow) => string,
): Promise<{ user: LockedUser; principal: Principal | undefined }> {
  const { principal } = editor
  const ids = plainArray(principal ? [user_id, principal.user_id] : [user_id])
  await tx.query(LOCK, [ids])
  const rows = await tx.query<HolderRow & { state: UserState }>(READ, [ids])
  const row = rows.find((each) => each.user_id === user_id)
  if (!principal) {
    if (!row) throw new UserNotFoundError()
    return { user: lockedUser(row), principal: undefined }
  }
  const now = principalNow(principal, rows)
  if (!row) throw new UserNotFoundError()
  if (!can(now, needed(row))) {
    throw can(now, `users:read:${row.role}:${row.user_id}`) ? new ForbiddenError(needed(row)) : new UserNotFoundError()
  }
  if (now.user_id === user_id) throw new OwnAccountError()
  const user = lockedUser(row)
  if (!now.rights.isAtLeast(user.rights)) throw new MoreRightsError()
  return { user, principal: now }
}

/** The rights of `editor` as they are now, the row locked; undefined for the terminal, which has all. */
export async function lockEditor(tx: Tx, { principal }: Editor): Promise<Rights | undefined> {
  if (!principal) return undefined
  const ids = plainArray([principal.user_id])
  await tx.query(LOCK, [ids])
  return principalNow(principal, await tx.query(READ, [ids])).rights
}

function principalNow(principal: Principal, rows: readonly (HolderRow & { state: UserState })[]): Principal {
  const row = rows.find((each) => each.user_id === principal.user_id)
  if (row?.state !== 'active') throw new UnauthenticatedError()
  const { session_area, first_key_id, scopes, legacy_get } = principal
  if (principal.via === 'session') return principalOfRow(row, { session_area })
  const key_id = present(principal.key_id, 'a key has a number')
  return principalOfRow(row, { key_id, first_key_id, scopes, legacy_get })
}

function lockedUser(row: HolderRow & { state: UserState }): LockedUser {
  return { ...row, rights: rightsOf({ granted: row.permissions, denied: row.denied }) }
}
