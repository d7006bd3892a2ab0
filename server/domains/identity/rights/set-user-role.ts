import { recordActs } from '#server/domains/audit/record-acts.ts'
import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import { BadFieldError, ForbiddenError } from '../errors.ts'
import { can } from '../principal.ts'
import { type Editor, lockForEdit } from './editor.ts'
import { NotHeldError } from './errors.ts'
import { keepingAnAdministrator } from './last-administrator.ts'
import { rightsOf } from './rights.ts'
import { ROLE_COLUMNS, type Role } from './role.ts'

export interface SetUserRole {
  user_id: bigint
  role: string
  reason?: string | undefined
}

// Shared, so that the role is not removed or widened before the user has it.
const SHARE_ROLE = statement(`select ${ROLE_COLUMNS} from identity.role where name = $1 for share`)

const OWN = statement('select granted, denied from identity.user where id = $1')

const UPDATE = statement('update identity.user set role = $2 where id = $1')

/**
 * Gives a user another role; what the user has more or less than a role stays. The same role again does nothing. Throws BadFieldError (`role`), LastAdministratorError, NotHeldError
 * when the user could then do more than the editor, and all that `lockForEdit` throws; ForbiddenError also for who may not `grant` to people of the new role.
 */
export async function setUserRole(app: Pick<App, 'db'>, editor: Editor, input: SetUserRole): Promise<void> {
  await keepingAnAdministrator(() =>
    app.db.transaction(async (tx) => {
      const { user, principal } = await lockForEdit(tx, editor, input.user_id, 'grant')
      const [role] = await tx.query<Role>(SHARE_ROLE, [input.role])
      if (!role) throw new BadFieldError('role', 'The name of a role, such as customer or support.')
      if (role.name === user.role) return
      if (principal) {
        const needed = `users:grant:${role.name}:${user.user_id}`
        if (!can(principal, needed)) throw new ForbiddenError(needed)
        const [own] = await tx.query<{ granted: string[]; denied: string[] }>(OWN, [user.user_id])
        const granted = [...role.permissions, ...(own?.granted ?? [])]
        const missing = principal.rights.missing(rightsOf({ granted, denied: own?.denied ?? [] }))
        if (missing.length > 0) throw new NotHeldError(missing)
      }
      await tx.query(UPDATE, [user.user_id, role.name])
      recordActs(tx, [
        {
          action: 'users.role_set',
          actor: editor.actor,
          subject: { kind: 'user', id: user.user_id },
          before: { role: user.role },
          after: { role: role.name },
          ...(input.reason !== undefined && { reason: input.reason }),
        },
      ])
    }),
  )
}
