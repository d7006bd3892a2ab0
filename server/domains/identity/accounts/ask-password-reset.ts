import type { App } from '#server/platform/app.ts'
import { emit } from '#server/platform/outbox/emit.ts'
import { BadFieldError } from '../errors.ts'
import { normalEmail } from '../user.ts'
import { resetAsked } from './requests.ts'

/**
 * Takes the wish for a new password. Whether the address has an account is looked up elsewhere and later: answer and work are the same for each. Throws BadFieldError (`email`).
 */
export async function askPasswordReset(
  app: Pick<App, 'db'>,
  input: { email: string; ip: string; user_agent: string },
): Promise<void> {
  const email = normalEmail(input.email)
  if (email === undefined) throw new BadFieldError('email', 'An address such as name@example.com.')
  await app.db.transaction(async (tx) => {
    emit(tx, resetAsked, [{ ...input, email }])
  })
}
