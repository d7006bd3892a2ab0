import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import { UserNotFoundError } from '../errors.ts'
import { can, type Principal } from '../principal.ts'
import { USER_COLUMNS, type User } from '../user.ts'
import { LAST_SEEN } from './list-users.ts'

/** A user as staff see them. */
export interface UserProfile extends User {
  readonly blocked_at: Date | null
  readonly blocked_reason: string | null
  readonly last_seen_at: Date | null
  /** On top of the role. */
  readonly granted: string[]
  readonly denied: string[]
  /** Open at this moment. */
  readonly sessions: number
  /** Not revoked. */
  readonly api_keys: number
  /** Of the invitation, while the user has not chosen a password; it may have passed. */
  readonly invitation_expires_at: Date | null
}

const PROFILE = statement(`
  select ${USER_COLUMNS}, blocked_at, blocked_reason, granted, denied, ${LAST_SEEN} as last_seen_at,
    (select count(*)::int from identity.session where user_id = "user".id and ended_at is null and expires_at > $2) as sessions,
    (select count(*)::int from identity.api_key where user_id = "user".id and revoked_at is null) as api_keys,
    (select max(expires_at) from identity.one_time_link
      where user_id = "user".id and purpose = 'accept_invitation' and used_at is null and voided_at is null) as invitation_expires_at
  from identity.user where id = $1`)

/** The user, for who may `read` them. Throws UserNotFoundError, also for who may not: whether there is such a number is not told. */
export async function findUser(
  app: Pick<App, 'db' | 'clock'>,
  principal: Principal,
  user_id: bigint,
): Promise<UserProfile> {
  const [user] = await app.db.query<UserProfile>(PROFILE, [user_id, app.clock.now()])
  if (!user || !can(principal, `users:read:${user.role}:${user.id}`)) throw new UserNotFoundError()
  return user
}
