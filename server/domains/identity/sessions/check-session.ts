import type { Authentication } from '../authentication.ts'
import { InvalidSessionError } from '../errors.ts'
import { principalNow } from '../must.ts'
import type { Principal } from '../principal.ts'
import { digestOf, isSessionToken } from '../token.ts'

/** Whose session `token` is. A refusal is answered, not thrown. Throws only BusyError, or when the database is lost. */
export async function checkSession(
  authentication: Authentication,
  token: string,
): Promise<Principal | InvalidSessionError> {
  if (!isSessionToken(token)) return new InvalidSessionError()
  const digest = digestOf(token)
  const credential = await authentication.sessions.find(digest)
  if (!credential || credential.expires_ms <= authentication.clock.now().getTime()) return new InvalidSessionError()
  authentication.sessions_seen.touch(credential, digest)
  return principalNow(authentication.settings, credential)
}
