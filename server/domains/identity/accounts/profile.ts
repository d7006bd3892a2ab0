import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import { UserNotFoundError } from '../errors.ts'
import { USER_COLUMNS, type User } from '../user.ts'

/** A user as the user alone may see it. */
export interface Profile extends User {
  /** IANA, such as Europe/Berlin. */
  readonly time_zone: string
  readonly email_confirmed_at: Date | null
  readonly password_changed_at: Date | null
  /** Whether a second factor is switched on. */
  readonly totp: boolean
  /** Recovery codes that are left. */
  readonly recovery_codes: number
  /** The address that waits to be confirmed. */
  readonly new_email: string | null
}

const READ = statement(`
  select ${USER_COLUMNS}, time_zone, email_confirmed_at, password_changed_at,
    exists (select from identity.totp where totp.user_id = $1 and totp.confirmed_at is not null) as totp,
    (select count(*)::int from identity.recovery_code as code where code.user_id = $1 and code.used_at is null) as recovery_codes,
    (
      select change.new_email from identity.email_change as change
      where change.user_id = $1 and change.done_at is null and change.voided_at is null and change.expires_at > $2
      order by change.created_at desc limit 1
    ) as new_email
  from identity.user where id = $1`)

/** The profile of a user. Throws UserNotFoundError. */
export async function profileOf(app: Pick<App, 'db' | 'clock'>, user_id: bigint): Promise<Profile> {
  const [profile] = await app.db.query<Profile>(READ, [user_id, app.clock.now()])
  if (!profile) throw new UserNotFoundError()
  return profile
}
