import { present } from '#server/kit/invariant.ts'
import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import { normalAddress } from './allowed-ips.ts'
import { AccountBlockedError, SignInRefusedError } from './errors.ts'
import { hashPassword, inPasswordSlot, isOutdated, NOBODYS_HASH, passwordMatches } from './password.ts'
import type { Area } from './principal.ts'
import type { SignInLimits } from './sign-in-limits.ts'
import { digestOf, newSessionToken } from './token.ts'
import { normalEmail, PASSWORD_MAX, USER_COLUMNS, type User } from './user.ts'

/** Two weeks: a reseller who works daily signs in twice a month; a token that leaked unseen dies by itself. */
export const SESSION_TTL_MS = 14 * 24 * 60 * 60_000
/** Beyond, the oldest session ends: a client that signs in at each call does not fill the table. */
export const SESSIONS_PER_USER_MAX = 100
const USER_AGENT_MAX = 200

export interface SignIn {
  email: string
  password: string
  ip: string
  user_agent: string
  /** The area at whose door it is, which takes only people of its roles; absent: /api/v1, which takes all. */
  area?: Area
}

export interface SignedIn {
  /** Told this once; only its hash is stored. */
  token: string
  expires_at: Date
  user: User
}

type StoredUser = User & { password_hash: string; area: Area | null }

const BY_EMAIL = statement(`
  select ${USER_COLUMNS}, password_hash, (select area from identity.role where role.name = "user".role)
  from identity.user where email = $1`)

const RENEW_HASH = statement('update identity.user set password_hash = $3 where id = $1 and password_hash = $2')

const INSERT = statement(`
  insert into identity.session (token_hash, user_id, created_at, expires_at, last_seen_at, user_agent, ip, area)
  values ($1, $2, $3, $4, $3, $5, $6, $7)`)

const END_OLDEST = statement(`
  update identity.session set ended_at = $2
  where token_hash in (
    select token_hash from identity.session
    where user_id = $1 and ended_at is null and expires_at > $2
    order by created_at desc offset ${SESSIONS_PER_USER_MAX})`)

/**
 * Signs in by e-mail address and password. The answer, and the work behind it, are the same for an unknown address, a wrong password, and the door of another's area.
 * Throws SignInRefusedError, AccountBlockedError (only after the right password), TooManyAttemptsError, BusyError.
 */
export async function createSession(
  app: Pick<App, 'db' | 'clock'>,
  limits: SignInLimits,
  input: SignIn,
): Promise<SignedIn> {
  // A text that is no address is counted and refused like an address that is not known.
  const email = normalEmail(input.email) ?? ''
  return inPasswordSlot(async () => {
    await limits.take(email, input.ip)
    const [user] = await app.db.query<StoredUser>(BY_EMAIL, [email])
    const matches = await passwordMatches(
      user?.password_hash ?? NOBODYS_HASH,
      input.password.slice(0, PASSWORD_MAX + 1),
    )
    if (!user || !matches || (input.area !== undefined && input.area !== user.area)) throw new SignInRefusedError()
    if (user.state === 'blocked') throw new AccountBlockedError()
    await limits.giveBack(email, input.ip)
    const renewed = isOutdated(user.password_hash) ? await hashPassword(input.password) : undefined
    return openSession(app, user, renewed, input)
  })
}

async function openSession(
  app: Pick<App, 'db' | 'clock'>,
  stored: StoredUser,
  renewed_hash: string | undefined,
  input: SignIn,
): Promise<SignedIn> {
  const { password_hash, area: _, ...user } = stored
  const token = newSessionToken()
  const now = app.clock.now()
  const expires_at = new Date(now.getTime() + SESSION_TTL_MS)
  await app.db.transaction(async (tx) => {
    // The row is locked, so that two at once do not both end too few; and a user blocked since the check gets no session.
    const [still] = await tx.query<{ state: string }>(LOCK_USER, [user.id])
    if (present(still, 'a user vanished').state === 'blocked') throw new AccountBlockedError()
    if (renewed_hash !== undefined) tx.send(RENEW_HASH, [user.id, password_hash, renewed_hash])
    const digest = Buffer.from(digestOf(token), 'hex')
    const agent = storable(input.user_agent)
    tx.send(INSERT, [digest, user.id, now, expires_at, agent, normalAddress(input.ip) ?? null, input.area ?? null])
    tx.send(END_OLDEST, [user.id, now])
  })
  return { token, expires_at, user }
}

const LOCK_USER = statement('select state from identity.user where id = $1 for no key update')

/** Headers may carry any byte; a text in PostgreSQL may not carry NUL. */
function storable(user_agent: string): string {
  return user_agent.replaceAll('\0', '').toWellFormed().slice(0, USER_AGENT_MAX).toWellFormed()
}
