import { type Actor, SYSTEM } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import { newPassword } from './accounts/new-password.ts'
import { hashPassword, inPasswordSlot } from './accounts/password.ts'
import { BadFieldError, EmailTakenError } from './errors.ts'
import { isName, type Locale, NAME_MAX, normalEmail, USER_COLUMNS, type User } from './user.ts'

export interface CreateUser {
  email: string
  password: string
  /** A name of `identity.role`, such as `administrator` or `customer`. */
  role: string
  name?: string
  locale?: Locale
  /** Who creates them; the house itself when absent. */
  by?: Actor
}

const KNOWN_ROLE = statement('select name from identity.role where name = $1')

const INSERT = statement(`
  insert into identity.user (email, name, password_hash, role, locale) values ($1, $2, $3, $4, $5)
  on conflict (email) do nothing
  returning ${USER_COLUMNS}`)

/**
 * Creates an active user. Throws EmailTakenError, also for one of two at once; BadFieldError (`email`, `password`, `name`, `role`);
 * BusyError when too many passwords are being hashed.
 */
export async function createUser(app: Pick<App, 'db' | 'settings'>, input: CreateUser): Promise<User> {
  const email = normalEmail(input.email)
  if (email === undefined) throw new BadFieldError('email', 'An address such as name@example.com.')
  const password = newPassword(input.password, { email })
  const name = input.name ?? ''
  if (!isName(name)) throw new BadFieldError('name', `Up to ${NAME_MAX} characters, none of them a control character.`)
  await assertRole(app, input.role)
  const password_hash = await inPasswordSlot(() => hashPassword(app, password))
  return app.db.transaction(async (tx) => {
    const [user] = await tx.query<User>(INSERT, [email, name, password_hash, input.role, input.locale ?? 'en'])
    if (!user) throw new EmailTakenError()
    const after = { email, name, role: input.role, locale: user.locale }
    const subject = { kind: 'user', id: user.id }
    recordActs(tx, [{ action: 'users.created', actor: input.by ?? SYSTEM, subject, after }])
    return user
  })
}

async function assertRole(app: Pick<App, 'db'>, role: string): Promise<void> {
  const known = /^[a-z0-9_-]{1,40}$/.test(role) ? await app.db.query(KNOWN_ROLE, [role]) : []
  if (known.length === 0) throw new BadFieldError('role', 'The name of a role, such as customer or administrator.')
}
