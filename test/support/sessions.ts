import type { Area } from '#server/domains/identity/principal.ts'
import { digestOf, newSessionToken } from '#server/domains/identity/token.ts'
import type { Db } from '#server/platform/db/database.ts'

/** An open session of the user, as if it had been opened in `area`, or at /api/v1; answers its token. */
export async function aSession(app: { db: Db }, user_id: bigint, area?: Area): Promise<string> {
  const token = newSessionToken()
  const insert = `
    insert into identity.session (token_hash, user_id, created_at, expires_at, last_seen_at, area)
    values ($1, $2, now(), now() + interval '1 hour', now(), $3)`
  await app.db.query(insert, [Buffer.from(digestOf(token), 'hex'), user_id, area ?? null])
  return token
}
