import { type Db, statement } from '#server/platform/db/database.ts'
import { postEntries } from './post-entries.ts'

/** Bounds how long one call holds its locks. */
export const RELEASE_EXPIRED_MAX = 1_000

/**
 * Gives back what is left of up to RELEASE_EXPIRED_MAX holds that have expired, the longest expired first, each in an entry of its own. Answers how many it found; at the
 * maximum there may be more. May run at any time, by many at once: a hold is released once, for its key is used once.
 */
export async function releaseExpiredHolds(db: Db): Promise<number> {
  return db.transaction(async (tx) => {
    const expired = await tx.query<{ id: bigint }>(selectExpired, [RELEASE_EXPIRED_MAX])
    const entries = expired.map(({ id }) => ({
      key: `hold:${id}:expired`,
      movements: [{ kind: 'release', hold: id, amount: 'rest' } as const],
    }))
    await postEntries(tx, entries)
    return expired.length
  })
}

const selectExpired = statement(`
  select id from ledger.hold where state = 'open' and expires_at <= now() order by expires_at, id limit $1`)
