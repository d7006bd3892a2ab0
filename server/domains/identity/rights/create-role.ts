import { recordActs } from '#server/domains/audit/record-acts.ts'
import { present } from '#server/kit/invariant.ts'
import type { App } from '#server/platform/app.ts'
import { textArray } from '#server/platform/db/arrays.ts'
import { statement } from '#server/platform/db/database.ts'
import { BadFieldError } from '../errors.ts'
import type { Area } from '../principal.ts'
import { type Editor, lockEditor } from './editor.ts'
import { NotHeldError, RoleTakenError, TooManyRolesError } from './errors.ts'
import { normalPermissions, notHeld, PERMISSIONS_MAX, ROLE_COLUMNS, ROLE_NAME, ROLES_MAX, type Role } from './role.ts'

export interface CreateRole {
  name: string
  description?: string
  permissions: readonly string[]
  /** No when absent. */
  staff?: boolean
  area?: Area | null
}

const COUNT = statement('select count(*)::int as roles from identity.role')

const INSERT = statement(`
  insert into identity.role (name, description, permissions, staff, area, updated_at) values ($1, $2, $3::text[], $4, $5, $6)
  on conflict (name) do nothing
  returning ${ROLE_COLUMNS}`)

/** Makes a role. Throws BadFieldError (`name`, `permissions`), NotHeldError for permissions that the editor does not hold, RoleTakenError, TooManyRolesError. */
export async function createRole(app: Pick<App, 'db' | 'clock'>, editor: Editor, input: CreateRole): Promise<Role> {
  const { name, description = '', staff = false, area = null } = input
  if (!ROLE_NAME.test(name))
    throw new BadFieldError('name', 'A word such as night-shift: small letters, digits, - and _.')
  const permissions = normalPermissions(input.permissions)
  if (!permissions) throw new BadFieldError('permissions', `Up to ${PERMISSIONS_MAX} patterns such as orders:*.`)
  return app.db.transaction(async (tx) => {
    const rights = await lockEditor(tx, editor)
    const lacking = rights ? notHeld(rights, [], permissions) : []
    if (lacking.length > 0) throw new NotHeldError(lacking)
    // Two at once may make one more than the limit, which is there against loops.
    const [count] = await tx.query<{ roles: number }>(COUNT)
    if (present(count, 'count answers a row').roles >= ROLES_MAX) throw new TooManyRolesError(ROLES_MAX)
    const values = [name, description, textArray(permissions), staff, area, app.clock.now()]
    const [role] = await tx.query<Role>(INSERT, values)
    if (!role) throw new RoleTakenError()
    const after = { description, permissions, staff, area }
    recordActs(tx, [{ action: 'roles.created', actor: editor.actor, subject: { kind: 'role', id: name }, after }])
    return role
  })
}
