import { recordActs } from '#server/domains/audit/record-acts.ts'
import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import { countedNetwork } from '#server/platform/limits/network.ts'
import type { Secrets } from '#server/platform/secrets/secrets.ts'
import { isStaffAddress } from '../areas/staff-networks.ts'
import { AccountBlockedError } from '../errors.ts'
import type { Area } from '../principal.ts'
import { tellOwner } from '../tell-owner.ts'
import { digestOf, isChallengeToken } from '../token.ts'
import { ChallengeNotValidError, CodeRefusedError } from '../two-factor/errors.ts'
import { useSecondFactor } from '../two-factor/use-second-factor.ts'
import { USER_COLUMNS, type User } from '../user.ts'
import type { Client } from './client.ts'
import type { SignedIn } from './create-session.ts'
import { DEVICE_TTL_MS } from './known-devices.ts'
import { openSession } from './open-session.ts'
import type { Attempt, SignInAttempts } from './sign-in-attempts.ts'

interface Challenge {
  user_id: bigint
  staff: boolean
  known_device: boolean
  known_network: boolean
}

const FIND = statement(`
  select challenge.user_id,
    exists (select from identity.holder where holder.user_id = challenge.user_id and holder.staff) as staff,
    exists (
      select from identity.known_device as device
      where device.user_id = challenge.user_id and device.token_hash = $3 and device.last_seen_at > $5
    ) as known_device,
    exists (
      select from identity.known_device as device
      where device.user_id = challenge.user_id and device.network = $4 and device.last_seen_at > $5
    ) as known_network
  from identity.sign_in_challenge as challenge
  where challenge.token_hash = $1 and challenge.expires_at > $2`)

// Rows that are like orders first: the user, then what belongs to it.
const LOCK_USER = statement(`select ${USER_COLUMNS} from identity.user where id = $1 for no key update`)

const TAKE = statement(`
  delete from identity.sign_in_challenge where token_hash = $1 and user_id = $2 and expires_at > $3 returning area`)

/**
 * The second step of a sign-in: `challenge` as `createSession` answered it, and a code of the app or a recovery code. Failures are counted by account, network and device as those of passwords are.
 * Throws ChallengeNotValidError, CodeRefusedError, TooManyAttemptsError, AccountBlockedError.
 */
export async function finishSignIn(
  app: Pick<App, 'db' | 'clock' | 'settings'>,
  secrets: Secrets,
  attempts: SignInAttempts,
  input: { challenge: string; code: string; client: Client },
): Promise<SignedIn> {
  const { client } = input
  if (!isChallengeToken(input.challenge)) throw new ChallengeNotValidError()
  const digest = Buffer.from(digestOf(input.challenge), 'hex')
  const now = app.clock.now()
  const device = client.device === undefined ? null : Buffer.from(client.device, 'hex')
  const since = new Date(now.getTime() - DEVICE_TTL_MS)
  const [found] = await app.db.query<Challenge>(FIND, [digest, now, device, countedNetwork(client.ip), since])
  if (!found) throw new ChallengeNotValidError()
  if (found.staff && !isStaffAddress(app.settings, client.ip)) throw new ChallengeNotValidError()
  const { user_id, known_network } = found
  const known_device = found.known_device ? client.device : undefined
  const attempt: Attempt = { account: `second factor of ${user_id}`, ip: client.ip, known_device, known_network }
  await attempts.take(attempt)
  const signed_in = await enter(app, secrets, { user_id, digest, code: input.code, client, now })
  if (!signed_in) return refuse(app, user_id, client)
  await attempts.giveBack(attempt, 'success')
  return signed_in
}

async function enter(
  app: Pick<App, 'db'>,
  secrets: Secrets,
  input: { user_id: bigint; digest: Buffer; code: string; client: Client; now: Date },
): Promise<SignedIn | undefined> {
  const { user_id, client, now } = input
  return app.db.transaction(async (tx) => {
    const [user] = await tx.query<User>(LOCK_USER, [user_id])
    if (!user) throw new ChallengeNotValidError()
    if (user.state === 'blocked') throw new AccountBlockedError()
    const proven_by = await useSecondFactor(tx, secrets, { user_id, code: input.code, now })
    if (!proven_by) return undefined
    const [taken] = await tx.query<{ area: Area | null }>(TAKE, [input.digest, user_id, now])
    if (!taken) throw new ChallengeNotValidError()
    if (proven_by === 'recovery_code') tellOwner(tx, { user_id, kind: 'recovery_code_used', now, by: client })
    const session = await openSession(tx, { user_id, area: taken.area ?? undefined, client, proven_by, now })
    return { ...session, user }
  })
}

async function refuse(app: Pick<App, 'db'>, user_id: bigint, { ip, user_agent, request_id }: Client): Promise<never> {
  await app.db.transaction(async (tx) =>
    recordActs(tx, [
      {
        action: 'sessions.refused',
        actor: { kind: 'system', ip, user_agent, ...(request_id !== undefined && { request_id }) },
        subject: { kind: 'user', id: user_id },
        after: { at: 'second factor' },
      },
    ]),
  )
  throw new CodeRefusedError()
}
