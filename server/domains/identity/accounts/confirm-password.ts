import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import { UserNotFoundError } from '../errors.ts'
import type { Client } from '../sessions/client.ts'
import type { SignInAttempts } from '../sessions/sign-in-attempts.ts'
import { PASSWORD_MAX } from '../user.ts'
import { WrongPasswordError } from './errors.ts'
import { inPasswordSlot, passwordMatches } from './password.ts'

const READ = statement('select email, password_hash from identity.user where id = $1')

/**
 * Asks a signed-in user for the password again, before something that a found telephone must not be able to do. Failures are counted apart from those of signing in. Answers what the user is known by.
 * Throws WrongPasswordError (`field`), TooManyAttemptsError, BusyError.
 */
export async function confirmPassword(
  app: Pick<App, 'db'>,
  attempts: SignInAttempts,
  input: { user_id: bigint; password: string; client: Client; field: string },
): Promise<{ email: string; password_hash: string }> {
  const { user_id, client, field } = input
  const [user] = await app.db.query<{ email: string; password_hash: string }>(READ, [user_id])
  if (!user) throw new UserNotFoundError()
  const attempt = { account: `password of ${user_id}`, ip: client.ip, known_device: undefined, known_network: true }
  await attempts.take(attempt)
  const password = input.password.slice(0, PASSWORD_MAX + 1)
  const matches = await inPasswordSlot(() => passwordMatches(user.password_hash, password))
  if (!matches) throw new WrongPasswordError(field)
  await attempts.giveBack(attempt, 'success')
  return user
}
