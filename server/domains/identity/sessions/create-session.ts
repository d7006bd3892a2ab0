import { recordActs } from '#server/domains/audit/record-acts.ts'
import { present } from '#server/kit/invariant.ts'
import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import { countedNetwork } from '#server/platform/limits/network.ts'
import { COSTS_IN_USE, hashPassword, inPasswordSlot, isOutdated, passwordMatchesAlike } from '../accounts/password.ts'
import { isStaffAddress } from '../areas/staff-networks.ts'
import { checkCaptcha } from '../captcha/check-captcha.ts'
import { AccountBlockedError, SignInRefusedError } from '../errors.ts'
import type { Area } from '../principal.ts'
import { digestOf, newChallengeToken } from '../token.ts'
import { normalEmail, PASSWORD_MAX, USER_COLUMNS, type User } from '../user.ts'
import type { Client } from './client.ts'
import { DEVICE_TTL_MS } from './known-devices.ts'
import { type OpenedSession, openSession } from './open-session.ts'
import type { Attempt, SignInAttempts } from './sign-in-attempts.ts'

/** Time to find the telephone; then the password is asked for again. */
export const CHALLENGE_TTL_MS = 5 * 60_000

export interface SignIn {
  email: string
  password: string
  client: Client
  /** The area at whose door it is, which takes only people of its roles; absent: /api/v1, which takes all. */
  area?: Area
  /** The token of a captcha that was solved. */
  captcha?: string
}

export interface SignedIn extends OpenedSession {
  user: User
}

/** The password was right, and a second factor is still to be shown. */
export interface SecondFactorAsked {
  /** For `finishSignIn` alone: it opens nothing by itself. */
  challenge: string
  expires_at: Date
}

type StoredUser = User & { password_hash: string; area: Area | null; staff: boolean; totp: boolean }

interface Found {
  user: StoredUser | undefined
  /** Costs of all stored hashes. */
  costs: string[]
  known_device: boolean
  known_network: boolean
}

// One row in any case, and the same work for an address that is not known.
const FIND = statement(`
  select cost.costs, owner.*,
    (select area from identity.role where role.name = owner.role) as area,
    exists (select from identity.holder where holder.user_id = owner.id and holder.staff) as staff,
    exists (select from identity.totp where totp.user_id = owner.id and totp.confirmed_at is not null) as totp,
    exists (
      select from identity.known_device as device
      where device.user_id = owner.id and device.token_hash = $2 and device.last_seen_at > $4
    ) as known_device,
    exists (
      select from identity.known_device as device
      where device.user_id = owner.id and device.network = $3 and device.last_seen_at > $4
    ) as known_network
  from (${COSTS_IN_USE}) as cost
  left join (select ${USER_COLUMNS}, password_hash from identity.user) as owner on owner.email = $1`)

const LOCK_USER = statement('select state, password_hash from identity.user where id = $1 for no key update')

const RENEW_HASH = statement('update identity.user set password_hash = $2 where id = $1')

const CHALLENGE = statement(`
  insert into identity.sign_in_challenge (token_hash, user_id, area, created_at, expires_at) values ($1, $2, $3, $4, $5)`)

type SignInApp = Pick<App, 'db' | 'clock' | 'settings'> & Parameters<typeof checkCaptcha>[0]

/**
 * Signs in by e-mail address and password, or answers the challenge for the second factor where the user has one. The answer, and the work behind it, are the same for an
 * unknown address, a wrong password, the door of another's area, and staff who come from none of their networks.
 * Throws SignInRefusedError, AccountBlockedError (only after the right password), TooManyAttemptsError, CaptchaRequiredError, BusyError.
 */
export async function createSession(
  app: SignInApp,
  attempts: SignInAttempts,
  input: SignIn,
): Promise<SignedIn | SecondFactorAsked> {
  const { client } = input
  // A text that is no address is counted and refused like an address that is not known.
  const account = normalEmail(input.email) ?? ''
  const found = await findUser(app, account, client)
  const known_device = found.known_device ? client.device : undefined
  const attempt: Attempt = { account, ip: client.ip, known_device, known_network: found.known_network }
  const { suspicious } = await attempts.take(attempt)
  const notTried = async (error: unknown): Promise<never> => {
    await attempts.giveBack(attempt, 'not tried')
    throw error
  }
  if (suspicious) await checkCaptcha(app, { token: input.captcha, action: 'sign_in', ip: client.ip }).catch(notTried)
  const checked = await inPasswordSlot(() => checkPassword(app, found, input)).catch(notTried)
  if (!checked) return refuse(app, found.user, client)
  await attempts.giveBack(attempt, checked.user.totp ? 'not tried' : 'success')
  return enter(app, checked, input)
}

async function findUser({ db, clock }: Pick<App, 'db' | 'clock'>, email: string, client: Client): Promise<Found> {
  const device = client.device === undefined ? null : Buffer.from(client.device, 'hex')
  const since = new Date(clock.now().getTime() - DEVICE_TTL_MS)
  const [row] = await db.query<Omit<Found, 'user'> & (StoredUser | { id: null })>(FIND, [
    email,
    device,
    countedNetwork(client.ip),
    since,
  ])
  const { costs, known_device, known_network, ...user } = present(row, 'the outer join answers a row')
  return { user: user.id === null ? undefined : user, costs, known_device, known_network }
}

interface Checked {
  user: StoredUser
  /** A hash with today's cost, where the stored one has less. */
  renewed_hash: string | undefined
}

/** The user whose password it is. Undefined for all others, after the same work. */
async function checkPassword(
  app: Pick<App, 'settings'>,
  { user, costs }: Found,
  { password, area, client }: SignIn,
): Promise<Checked | undefined> {
  const matches = await passwordMatchesAlike(user?.password_hash, password.slice(0, PASSWORD_MAX + 1), costs)
  if (!user || !matches || (area !== undefined && area !== user.area)) return undefined
  // Answered like a wrong password, so that nobody outside finds out one of staff by trying.
  if (user.staff && !isStaffAddress(app.settings, client.ip)) return undefined
  return { user, renewed_hash: isOutdated(app, user.password_hash) ? await hashPassword(app, password) : undefined }
}

/** Written down for unknown addresses too, so that both cost the same; the address itself is not, for people type passwords in its place. */
async function refuse(app: Pick<App, 'db'>, user: StoredUser | undefined, client: Client): Promise<never> {
  const { ip, user_agent, request_id } = client
  await app.db.transaction(async (tx) =>
    recordActs(tx, [
      {
        action: 'sessions.refused',
        actor: { kind: 'system', ip, user_agent, ...(request_id !== undefined && { request_id }) },
        ...(user && { subject: { kind: 'user', id: user.id } }),
      },
    ]),
  )
  throw new SignInRefusedError()
}

async function enter(
  app: Pick<App, 'db' | 'clock'>,
  { user: { password_hash, area: _, staff: __, totp, ...user }, renewed_hash }: Checked,
  { client, area }: SignIn,
): Promise<SignedIn | SecondFactorAsked> {
  const now = app.clock.now()
  return app.db.transaction(async (tx) => {
    // The row is locked, so that two at once do not both end too few; and who was blocked, or whose password was changed, since the check gets no session.
    const [still] = await tx.query<{ state: string; password_hash: string }>(LOCK_USER, [user.id])
    if (still?.state === 'blocked') throw new AccountBlockedError()
    if (still?.password_hash !== password_hash) throw new SignInRefusedError()
    if (renewed_hash !== undefined) tx.send(RENEW_HASH, [user.id, renewed_hash])
    if (!totp)
      return { ...(await openSession(tx, { user_id: user.id, area, client, proven_by: 'password', now })), user }
    const challenge = newChallengeToken()
    const expires_at = new Date(now.getTime() + CHALLENGE_TTL_MS)
    tx.send(CHALLENGE, [Buffer.from(digestOf(challenge), 'hex'), user.id, area ?? null, now, expires_at])
    return { challenge, expires_at }
  })
}
