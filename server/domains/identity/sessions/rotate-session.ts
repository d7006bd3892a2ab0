import { statement, type Tx } from '#server/platform/db/database.ts'
import { InvalidSessionError } from '../errors.ts'
import { digestOf, newSessionToken } from '../token.ts'

const ROTATE = statement(`
  update identity.session set token_hash = $3
  where token_hash = $1 and user_id = $2 and ended_at is null and expires_at > $4
  returning id, expires_at`)

/** A session under its new token. */
export interface RotatedSession {
  id: bigint
  token: string
  expires_at: Date
}

/**
 * Gives the session of `token` another token; the old one is worth nothing from then on. For when a session comes to be worth more, or something that opened it was changed.
 * Throws InvalidSessionError.
 */
export async function rotateSession(
  tx: Tx,
  input: { token: string; user_id: bigint; now: Date },
): Promise<RotatedSession> {
  const token = newSessionToken()
  const [before, after] = [input.token, token].map((each) => Buffer.from(digestOf(each), 'hex'))
  const [row] = await tx.query<{ id: bigint; expires_at: Date }>(ROTATE, [before, input.user_id, after, input.now])
  if (!row) throw new InvalidSessionError()
  return { id: row.id, token, expires_at: row.expires_at }
}
