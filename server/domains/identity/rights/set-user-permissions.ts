import { recordActs } from '#server/domains/audit/record-acts.ts'
import { present } from '#server/kit/invariant.ts'
import type { App } from '#server/platform/app.ts'
import { textArray } from '#server/platform/db/arrays.ts'
import { statement } from '#server/platform/db/database.ts'
import { BadFieldError } from '../errors.ts'
import { type Editor, lockForEdit } from './editor.ts'
import { NotHeldError } from './errors.ts'
import { keepingAnAdministrator } from './last-administrator.ts'
import { normalPermissions, notHeld, PERMISSIONS_MAX } from './role.ts'

export interface SetUserPermissions {
  user_id: bigint
  /** All that the user has on top of the role from now on. */
  granted: readonly string[]
  /** All that is taken from the user, whatever grants it. */
  denied: readonly string[]
  reason?: string | undefined
}

interface Own {
  granted: string[]
  denied: string[]
}

const OWN = statement('select granted, denied from identity.user where id = $1')

const UPDATE = statement('update identity.user set granted = $2::text[], denied = $3::text[] where id = $1')

/**
 * Sets what one user may do more and less than the role, everywhere within a second. The same again does nothing. Throws BadFieldError (`granted`, `denied`),
 * NotHeldError for what would be given without being held (lifting a denial gives), LastAdministratorError, and all that `lockForEdit` throws.
 */
export async function setUserPermissions(
  app: Pick<App, 'db'>,
  editor: Editor,
  input: SetUserPermissions,
): Promise<Own> {
  const after = { granted: checked(input.granted, 'granted'), denied: checked(input.denied, 'denied') }
  return keepingAnAdministrator(() =>
    app.db.transaction(async (tx) => {
      const { user, principal } = await lockForEdit(tx, editor, input.user_id, 'grant')
      const before = present((await tx.query<Own>(OWN, [user.user_id]))[0], 'a locked user vanished')
      if (String(before.granted) === String(after.granted) && String(before.denied) === String(after.denied)) {
        return before
      }
      if (principal) {
        const given = notHeld(principal.rights, before.granted, after.granted)
        const lifted = notHeld(principal.rights, after.denied, before.denied)
        if (given.length + lifted.length > 0) throw new NotHeldError([...given, ...lifted])
      }
      await tx.query(UPDATE, [user.user_id, textArray(after.granted), textArray(after.denied)])
      recordActs(tx, [
        {
          action: 'users.permissions_set',
          actor: editor.actor,
          subject: { kind: 'user', id: user.user_id },
          before: { ...before },
          after,
          ...(input.reason !== undefined && { reason: input.reason }),
        },
      ])
      return after
    }),
  )
}

function checked(permissions: readonly string[], field: string): string[] {
  const normal = normalPermissions(permissions)
  if (!normal) throw new BadFieldError(field, `Up to ${PERMISSIONS_MAX} patterns such as orders:*.`)
  return normal
}
