import { recordActs } from '#server/domains/audit/record-acts.ts'
import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import { type Editor, lockEditor } from './editor.ts'
import { BuiltInRoleError, MoreRightsError, RoleInUseError, RoleNotFoundError } from './errors.ts'
import { rightsOf } from './rights.ts'
import { ROLE_COLUMNS, type Role } from './role.ts'

// Who gives the role to a user at this moment holds a share of the row: one of the two waits for the other.
const LOCK = statement(`select ${ROLE_COLUMNS} from identity.role where name = $1 for update`)

const USED = statement('select 1 from identity.user where role = $1 limit 1')

const DELETE = statement('delete from identity.role where name = $1')

/** Removes a role that nobody has. Throws RoleNotFoundError, BuiltInRoleError, RoleInUseError, and MoreRightsError when it may do more than the editor. */
export async function removeRole(app: Pick<App, 'db'>, editor: Editor, name: string): Promise<void> {
  await app.db.transaction(async (tx) => {
    const rights = await lockEditor(tx, editor)
    const [role] = await tx.query<Role>(LOCK, [name])
    if (!role) throw new RoleNotFoundError()
    if (role.built_in) throw new BuiltInRoleError('It can be changed, and stays.')
    const { description, permissions, staff, area } = role
    if (rights && !rights.isAtLeast(rightsOf({ granted: permissions, denied: [] }))) throw new MoreRightsError('role')
    if ((await tx.query(USED, [name])).length > 0) throw new RoleInUseError()
    tx.send(DELETE, [name])
    const before = { description, permissions, staff, area }
    recordActs(tx, [{ action: 'roles.removed', actor: editor.actor, subject: { kind: 'role', id: name }, before }])
  })
}
