import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import { API_KEY_COLUMNS, API_KEYS_IN_ROTATION_MAX, type ApiKey } from './keys/api-key.ts'
import { normalEmail, USER_COLUMNS, type User } from './user.ts'

const BY_ID = statement(`select ${USER_COLUMNS} from identity.user where id = $1`)
const BY_EMAIL = statement(`select ${USER_COLUMNS} from identity.user where email = $1`)
const KEYS_OF = statement(`
  select ${API_KEY_COLUMNS} from identity.api_key
  where user_id = $1 and revoked_at is null and (expires_at is null or expires_at > $2::timestamptz - interval '30 days')
  order by id desc limit ${API_KEYS_IN_ROTATION_MAX}`)

/** The user, or undefined. */
export async function userById(app: { db: Pick<App['db'], 'query'> }, id: bigint): Promise<User | undefined> {
  const [user] = await app.db.query<User>(BY_ID, [id])
  return user
}

/** The user of an address in any case, or undefined. */
export async function userByEmail(app: Pick<App, 'db'>, email: string): Promise<User | undefined> {
  const normal = normalEmail(email)
  if (normal === undefined) return undefined
  const [user] = await app.db.query<User>(BY_EMAIL, [normal])
  return user
}

/** The keys of a user that are not revoked, newest first; those that expired within the month too. No more than API_KEYS_IN_ROTATION_MAX. */
export async function apiKeysOf(app: Pick<App, 'db' | 'clock'>, user_id: bigint): Promise<ApiKey[]> {
  return app.db.query<ApiKey>(KEYS_OF, [user_id, app.clock.now()])
}
