import type { Clock } from '#server/kit/clock.ts'
import type { App } from '#server/platform/app.ts'
import { type Listener, listen } from '#server/platform/db/listen.ts'
import { openLimiters } from '#server/platform/limits/open-limiters.ts'
import type { Secrets } from '#server/platform/secrets/secrets.ts'
import { CredentialCache } from './credential-cache.ts'
import { type KeyCredential, readKeys, writeKeysUsed } from './keys/key-credential.ts'
import { KeyUse } from './keys/key-use.ts'
import { LastSeen } from './last-seen.ts'
import { FormAttempts } from './sessions/form-attempts.ts'
import { readSessions, type SessionCredential, writeSessionsSeen } from './sessions/session-credential.ts'
import { SignInAttempts } from './sessions/sign-in-attempts.ts'

/** What a process keeps in memory to check credentials. */
export interface Authentication {
  readonly clock: Clock
  readonly keys: CredentialCache<KeyCredential>
  readonly sessions: CredentialCache<SessionCredential>
  readonly keys_used: LastSeen<bigint>
  readonly key_use: KeyUse
  readonly sessions_seen: LastSeen<string>
  readonly settings: App['settings']
  readonly attempts: SignInAttempts
  readonly forms: FormAttempts
  /** Opens the secrets of second factors, and knows the tokens of links. */
  readonly secrets: Secrets
  /** The origin of SALDO_PUBLIC_URL, where set: the one from which cookies may change something. */
  readonly public_origin: string | undefined
  /** Writes what is marked as used and stops listening. Call it before the database is closed. */
  close(): Promise<void>
}

/** Opens what checking credentials needs; one a process. Hears of revocations over a database connection of its own. */
export async function openAuthentication(
  app: Pick<App, 'db' | 'clock' | 'log' | 'settings'> & { config: Pick<App['config'], 'public_url' | 'redis_url'> },
  secrets: Secrets,
): Promise<Authentication> {
  let listener: Listener | undefined
  const freshness = {
    listeningSince: () => listener?.listeningSince(),
    confirmedAt: () => listener?.confirmedAt() ?? 0,
  }
  const keys = new CredentialCache<KeyCredential>((digests) => readKeys(app, digests), freshness, app.clock)
  const sessions = new CredentialCache<SessionCredential>((digests) => readSessions(app, digests), freshness, app.clock)
  const keys_used = new LastSeen<bigint>(app, (marks) => writeKeysUsed(app, marks))
  const key_use = new KeyUse(app)
  const sessions_seen = new LastSeen<string>(app, (marks) => writeSessionsSeen(app, marks))

  /** Payloads as `identity.tell_change` writes them. */
  function forget(payload: string): void {
    const [kind, id = ''] = payload.split(':')
    if (kind === 'key') keys.forget(id)
    else if (kind === 'session') sessions.forget(id)
    else {
      // A user or a role: rare, and a walk over what is in memory takes a few milliseconds.
      const concerns = (credential: KeyCredential | SessionCredential) =>
        kind === 'user' ? String(credential.principal.user_id) === id : credential.principal.role === id
      keys.forgetWhere(concerns)
      sessions.forgetWhere(concerns)
    }
  }

  listener = await listen(app, 'identity_changed', forget)
  const { close } = listener
  const limiters = openLimiters(app)
  return {
    clock: app.clock,
    keys,
    sessions,
    keys_used,
    key_use,
    sessions_seen,
    settings: app.settings,
    attempts: new SignInAttempts(limiters),
    forms: new FormAttempts(limiters),
    secrets,
    public_origin: app.config.public_url === undefined ? undefined : new URL(app.config.public_url).origin,
    close: async () => {
      await Promise.all([close(), keys_used.close(), key_use.close(), sessions_seen.close(), limiters.close()])
    },
  }
}
