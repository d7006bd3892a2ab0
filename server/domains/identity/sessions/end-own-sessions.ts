import type { Actor } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import { digestOf } from '../token.ts'
import { SessionNotFoundError } from './errors.ts'

/** Which of a user's sessions end: one by its number, the one of a token, all, or all but the one of a token. */
export type WhichSessions = { id: bigint } | { token: string } | 'all' | { all_but: string }

const END = statement(`
  update identity.session set ended_at = $5
  where user_id = $1 and ended_at is null and expires_at > $5
    and ($2::bigint is null or id = $2) and ($3::bytea is null or token_hash = $3) and ($4::bytea is null or token_hash <> $4)
  returning id`)

/**
 * Ends sessions of their owner, everywhere within a second; answers how many. Ending what has ended does nothing. Throws SessionNotFoundError for a number that is no
 * open session of this user.
 */
export async function endOwnSessions(
  app: Pick<App, 'db' | 'clock'>,
  input: { user_id: bigint; which: WhichSessions; by: Actor },
): Promise<number> {
  const { user_id, which, by } = input
  return app.db.transaction(async (tx) => {
    const ended = await tx.query<{ id: bigint }>(END, [user_id, ...conditions(which), app.clock.now()])
    if (ended.length === 0 && typeof which === 'object' && 'id' in which) throw new SessionNotFoundError()
    if (ended.length > 0) {
      const ids = ended.map((each) => each.id)
      recordActs(tx, [
        { action: 'sessions.ended', actor: by, subject: { kind: 'user', id: user_id }, after: { sessions: ids } },
      ])
    }
    return ended.length
  })
}

function conditions(which: WhichSessions): [id: bigint | null, token: Buffer | null, but: Buffer | null] {
  if (which === 'all') return [null, null, null]
  if ('id' in which) return [which.id, null, null]
  const digest = (token: string) => Buffer.from(digestOf(token), 'hex')
  return 'token' in which ? [null, digest(which.token), null] : [null, null, digest(which.all_but)]
}
