import { recordActs } from '#server/domains/audit/record-acts.ts'
import { newSecret } from '#server/kit/id.ts'
import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import { invitationDays } from '../accounts/account-settings.ts'
import { hashPassword, inPasswordSlot } from '../accounts/password.ts'
import { BadFieldError, EmailTakenError, ForbiddenError } from '../errors.ts'
import { askLinks } from '../links/ask-links.ts'
import { type Editor, lockEditor } from '../rights/editor.ts'
import { NotHeldError } from '../rights/errors.ts'
import { rightsOf } from '../rights/rights.ts'
import { ROLE_COLUMNS, type Role } from '../rights/role.ts'
import { isName, type Locale, NAME_MAX, normalEmail, USER_COLUMNS, type User } from '../user.ts'

const DAY_MS = 86_400_000

export interface InviteUser {
  email: string
  role: string
  name?: string | undefined
  locale?: Locale | undefined
}

// Shared, so that the role is not removed or widened before the user has it.
const SHARE_ROLE = statement(`select ${ROLE_COLUMNS} from identity.role where name = $1 for share`)

const INSERT = statement(`
  insert into identity.user (email, name, password_hash, role, locale) values ($1, $2, $3, $4, $5)
  on conflict (email) do nothing
  returning ${USER_COLUMNS}`)

/**
 * Makes a user whose password nobody knows, and mails them the link by which they choose one. Throws BadFieldError (`email`, `name`, `role`), EmailTakenError, ForbiddenError without
 * `users:create:<role>`, NotHeldError for a role that may do more than the editor, BusyError.
 */
export async function inviteUser(
  app: Pick<App, 'db' | 'clock' | 'settings'>,
  editor: Editor,
  input: InviteUser,
): Promise<User> {
  const email = normalEmail(input.email)
  if (email === undefined) throw new BadFieldError('email', 'An address such as name@example.com.')
  const name = input.name?.trim() ?? ''
  if (!isName(name)) throw new BadFieldError('name', `Up to ${NAME_MAX} characters, none of them a control character.`)
  const password_hash = await inPasswordSlot(() => hashPassword(app, newSecret()))
  return app.db.transaction(async (tx) => {
    const rights = await lockEditor(tx, editor)
    const needed = `users:create:${input.role}`
    if (rights && !rights.may(needed)) throw new ForbiddenError(needed)
    const [role] = await tx.query<Role>(SHARE_ROLE, [input.role])
    if (!role) throw new BadFieldError('role', 'The name of a role, such as customer or support.')
    const missing = rights?.missing(rightsOf({ granted: role.permissions, denied: [] })) ?? []
    if (missing.length > 0) throw new NotHeldError(missing)
    const [user] = await tx.query<User>(INSERT, [email, name, password_hash, role.name, input.locale ?? 'en'])
    if (!user) throw new EmailTakenError()
    const { id: user_id, locale } = user
    const ttl_ms = app.settings.read(invitationDays) * DAY_MS
    await askLinks(tx, app.clock.now(), [{ purpose: 'accept_invitation', ttl_ms, user_id, email, locale }])
    const subject = { kind: 'user', id: user_id }
    const after = { email, name, role: role.name, locale }
    recordActs(tx, [{ action: 'users.invited', actor: editor.actor, subject, after }])
    return user
  })
}
