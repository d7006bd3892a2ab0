import { newSecret } from '#server/kit/id.ts'
import { present } from '#server/kit/invariant.ts'
import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import { emit } from '#server/platform/outbox/emit.ts'
import { BadFieldError } from '../errors.ts'
import { digestOf } from '../token.ts'
import { isName, type Locale, NAME_MAX, normalEmail } from '../user.ts'
import { registrationOpen } from './account-settings.ts'
import { RegistrationClosedError } from './errors.ts'
import { newPassword } from './new-password.ts'
import { hashPassword, inPasswordSlot } from './password.ts'
import { confirmationAsked } from './requests.ts'

/** As long as its links, with a day to ask for another. */
const REGISTRATION_TTL_MS = 3 * 24 * 60 * 60_000

export interface Register {
  email: string
  password: string
  name: string
  locale: Locale
}

const INSERT = statement(`
  insert into identity.registration (handle_hash, email, name, password_hash, locale, created_at, expires_at)
  values ($1, $2, $3, $4, $5, $6, $7) returning id`)

/**
 * Takes a registration as a customer; the account is made when the address is confirmed. `handle` lets the one who registered ask for the mail again. Whether the address
 * has an account is not looked up here: the answer and the work are the same, and what is mailed is decided elsewhere.
 * Throws RegistrationClosedError, BadFieldError (`email`, `password`, `name`), BusyError.
 */
export async function register(
  app: Pick<App, 'db' | 'clock' | 'settings'>,
  input: Register,
): Promise<{ handle: string }> {
  if (!app.settings.read(registrationOpen)) throw new RegistrationClosedError()
  const email = normalEmail(input.email)
  if (email === undefined) throw new BadFieldError('email', 'An address such as name@example.com.')
  const name = input.name.trim()
  if (!isName(name)) throw new BadFieldError('name', `Up to ${NAME_MAX} characters, none of them a control character.`)
  const password = newPassword(input.password, { email })
  const password_hash = await inPasswordSlot(() => hashPassword(app, password))
  const handle = `rg_${newSecret()}`
  const now = app.clock.now()
  await app.db.transaction(async (tx) => {
    const digest = Buffer.from(digestOf(handle), 'hex')
    const expires_at = new Date(now.getTime() + REGISTRATION_TTL_MS)
    const values = [digest, email, name, password_hash, input.locale, now, expires_at]
    const [row] = await tx.query<{ id: bigint }>(INSERT, values)
    emit(tx, confirmationAsked, [{ registration_id: present(row, 'insert answers its row').id }])
  })
  return { handle }
}
