import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import { ROLE_COLUMNS, ROLES_MAX, type Role } from './role.ts'

const ROLES = statement(`select ${ROLE_COLUMNS} from identity.role order by built_in desc, name limit ${2 * ROLES_MAX}`)
const BY_NAME = statement(`select ${ROLE_COLUMNS} from identity.role where name = $1`)

/** All roles, those of the house first. */
export function listRoles(app: Pick<App, 'db'>): Promise<Role[]> {
  return app.db.query<Role>(ROLES)
}

/** The role, or undefined. */
export async function roleNamed(app: Pick<App, 'db'>, name: string): Promise<Role | undefined> {
  return (await app.db.query<Role>(BY_NAME, [name]))[0]
}
