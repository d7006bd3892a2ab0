import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import type { Secrets } from '#server/platform/secrets/secrets.ts'
import { UserNotFoundError } from '../errors.ts'
import { TotpEnabledError } from './errors.ts'
import { newTotpSecret, totpUri } from './totp.ts'
import { totpContext } from './use-second-factor.ts'

const EMAIL = statement('select email from identity.user where id = $1')

const PUT = statement(`
  insert into identity.totp (user_id, secret_ciphertext, key_id, created_at) values ($1, $2, $3, $4)
  on conflict (user_id) do update
    set secret_ciphertext = excluded.secret_ciphertext, key_id = excluded.key_id, created_at = excluded.created_at,
      last_step = null
    where totp.confirmed_at is null
  returning 1 as one`)

/**
 * Begins to set up a second factor: answers the secret, and the URI that a QR code for the app holds. Both are told here and never again. It counts when `confirmTotp` has seen a code;
 * until then it may be begun anew. Throws TotpEnabledError.
 */
export async function enrolTotp(
  app: Pick<App, 'db' | 'clock'>,
  secrets: Secrets,
  user_id: bigint,
): Promise<{ secret: string; uri: string }> {
  const [user] = await app.db.query<{ email: string }>(EMAIL, [user_id])
  if (!user) throw new UserNotFoundError()
  const secret = newTotpSecret()
  const { ciphertext, key_id } = secrets.seal(secret, totpContext(user_id))
  const put = await app.db.query(PUT, [user_id, ciphertext, key_id, app.clock.now()])
  if (put.length === 0) throw new TotpEnabledError()
  return { secret, uri: totpUri(secret, user.email) }
}
