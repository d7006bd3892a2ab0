import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import type { Area } from '../principal.ts'
import { digestOf } from '../token.ts'
import { SESSIONS_PER_USER_MAX } from './open-session.ts'

/** A session as its owner sees it. */
export interface Session {
  readonly id: bigint
  readonly user_agent: string
  /** Where it was opened from; null where that was no address. */
  readonly ip: string | null
  readonly area: Area | null
  readonly created_at: Date
  /** To about a minute. */
  readonly last_seen_at: Date
  readonly expires_at: Date
  /** Whether it is the one that asks. */
  readonly current: boolean
}

const READ = statement(`
  select id, user_agent, host(ip) as ip, area, created_at, last_seen_at, expires_at, token_hash = $2 as current
  from identity.session
  where user_id = $1 and ended_at is null and expires_at > $3
  order by current desc, last_seen_at desc, id desc
  limit ${SESSIONS_PER_USER_MAX}`)

/** The open sessions of a user, the one of `token` first, then the last seen; never more than SESSIONS_PER_USER_MAX. */
export async function listSessions(
  app: Pick<App, 'db' | 'clock'>,
  input: { user_id: bigint; token: string },
): Promise<Session[]> {
  const digest = Buffer.from(digestOf(input.token), 'hex')
  return app.db.query<Session>(READ, [input.user_id, digest, app.clock.now()])
}
