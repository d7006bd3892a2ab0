import { HOLDER_COLUMNS, type HolderRow, type Principal, principalOfRow } from '#server/domains/identity/principal.ts'
import type { Editor } from '#server/domains/identity/rights/editor.ts'
import { textArray } from '#server/platform/db/arrays.ts'
import { aUser, type IdentityApp } from './identity.ts'

/** What of an app these need. */
type WithDb = Pick<IdentityApp, 'db'>

/** A user, not necessarily of staff, who has exactly these permissions, and who acts. */
export async function anEditor(
  app: Parameters<typeof aUser>[0],
  granted: string[],
  denied: string[] = [],
  role = 'nobody',
): Promise<Editor & { id: bigint; principal: Principal }> {
  await app.db.query(`insert into identity.role (name, permissions) values ('nobody', '{}') on conflict do nothing`)
  const { id } = await aUser(app, role)
  await app.db.query('update identity.user set granted = $2::text[], denied = $3::text[] where id = $1', [
    id,
    textArray(granted),
    textArray(denied),
  ])
  return { id, ...(await editorFor(app, id)) }
}

/** The user as an editor by session, as of now. */
export async function editorFor(app: WithDb, user_id: bigint): Promise<Editor & { principal: Principal }> {
  const sql = `select holder.user_id, ${HOLDER_COLUMNS} from identity.holder where holder.user_id = $1`
  const [row] = await app.db.query<HolderRow>(sql, [user_id])
  if (!row) throw new Error(`there is no user ${user_id}`)
  const principal = principalOfRow(row, { session_area: null })
  return { principal, actor: { kind: 'user', user_id, via: 'session' } }
}

/** Whoever sits at the terminal. */
export const TERMINAL: Editor = { principal: undefined, actor: { kind: 'command' } }

export interface ToldAct {
  action: string
  user_id: bigint | null
  subject_kind: string | null
  subject_id: string | null
  before: unknown
  after: unknown
  reason: string | null
}

/** What the audit has been told of people and of the terminal, oldest first: users that tests make are made by the house itself. */
export function actsOf(app: WithDb): Promise<ToldAct[]> {
  return app.db.query<ToldAct>(
    `select action, user_id, subject_kind, subject_id, before, after, reason from audit.act
     where actor_kind <> 'system' order by id`,
  )
}
