import type { Json } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import type { App } from '#server/platform/app.ts'
import { textArray } from '#server/platform/db/arrays.ts'
import { statement } from '#server/platform/db/database.ts'
import { BadFieldError } from '../errors.ts'
import type { Area } from '../principal.ts'
import { type Editor, lockEditor } from './editor.ts'
import { BuiltInRoleError, MoreRightsError, NotHeldError, RoleNotFoundError } from './errors.ts'
import { rightsOf } from './rights.ts'
import { ADMINISTRATOR, normalPermissions, notHeld, PERMISSIONS_MAX, ROLE_COLUMNS, type Role } from './role.ts'

/** What is left out stays as it is. */
export interface EditRole {
  name: string
  description?: string | undefined
  /** All that the role has from now on. */
  permissions?: readonly string[] | undefined
  staff?: boolean | undefined
  area?: Area | null | undefined
}

const LOCK = statement(`select ${ROLE_COLUMNS} from identity.role where name = $1 for no key update`)

const UPDATE = statement(`
  update identity.role set description = $2, permissions = $3::text[], staff = $4, area = $5, updated_at = $6 where name = $1
  returning ${ROLE_COLUMNS}`)

/**
 * Changes a role, for all who have it and everywhere within a second. An edit that changes nothing writes nothing. Throws RoleNotFoundError, BuiltInRoleError for the
 * administrator, BadFieldError (`permissions`), NotHeldError for added permissions that the editor does not hold, and MoreRightsError when the role may do more than the editor.
 */
export async function editRole(app: Pick<App, 'db' | 'clock'>, editor: Editor, edit: EditRole): Promise<Role> {
  const given = edit.permissions && normalPermissions(edit.permissions)
  if (edit.permissions && !given) {
    throw new BadFieldError('permissions', `Up to ${PERMISSIONS_MAX} patterns such as orders:*.`)
  }
  return app.db.transaction(async (tx) => {
    const rights = await lockEditor(tx, editor)
    const [before] = await tx.query<Role>(LOCK, [edit.name])
    if (!before) throw new RoleNotFoundError()
    const after: Role = {
      ...before,
      description: edit.description ?? before.description,
      permissions: given ?? before.permissions,
      staff: edit.staff ?? before.staff,
      area: edit.area === undefined ? before.area : edit.area,
    }
    const changes = changesBetween(before, after)
    if (changes.names.length === 0) return before
    if (before.name === ADMINISTRATOR && changes.names.some((name) => name !== 'description')) {
      throw new BuiltInRoleError('An administrator may do everything. Make another role for who may do less.')
    }
    if (rights) {
      const lacking = notHeld(rights, before.permissions, after.permissions)
      if (lacking.length > 0) throw new NotHeldError(lacking)
      if (!rights.isAtLeast(rightsOf({ granted: before.permissions, denied: [] }))) throw new MoreRightsError('role')
    }
    const values = [after.name, after.description, textArray(after.permissions), after.staff, after.area]
    const [role = after] = await tx.query<Role>(UPDATE, [...values, app.clock.now()])
    const subject = { kind: 'role', id: after.name }
    recordActs(tx, [
      { action: 'roles.edited', actor: editor.actor, subject, before: changes.before, after: changes.after },
    ])
    return role
  })
}

const EDITABLE = ['description', 'permissions', 'staff', 'area'] as const

function changesBetween(before: Role, after: Role) {
  const names = EDITABLE.filter((name) => String(before[name]) !== String(after[name]))
  const only = (role: Role): Json => Object.fromEntries(names.map((name) => [name, role[name]]))
  return { names, before: only(before), after: only(after) }
}
