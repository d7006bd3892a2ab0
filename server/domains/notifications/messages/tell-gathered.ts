import type { App } from '#server/platform/app.ts'
import { plainArray, textArray } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { dataOf, type Gathering, NO_TALLIES, streakAt } from './gathering.ts'
import { tellUsers } from './tell-users.ts'

/** Gatherings told in one transaction. */
const BATCH = 200

// SKIP LOCKED: one to which is being added is told a moment later.
const TAKE_DUE = statement(`
  select user_id, kind, channel, tallies, due_at, told_at, streak, round from notifications.gathering
  where due_at <= $1 order by due_at limit $2 for update skip locked`)

const EMPTY = statement(`
  update notifications.gathering g set tallies = '{}', due_at = null, told_at = $5, streak = new.streak, round = g.round + 1
  from unnest($1::bigint[], $2::text[], $3::text[], $4::smallint[]) as new (user_id, kind, channel, streak)
  where g.user_id = new.user_id and g.kind = new.kind and g.channel = new.channel`)

/** Makes one message of each gathering that is due. True when there may be more. Any number of workers may do so at once. */
export async function tellGathered(app: Pick<App, 'db' | 'clock'>): Promise<boolean> {
  const now = app.clock.now()
  return app.db.transaction(async (tx) => {
    const due = await tx.query<Gathering>(TAKE_DUE, [now, BATCH])
    await tell(tx, now, due)
    return due.length === BATCH
  })
}

async function tell(tx: Tx, now: Date, due: readonly Gathering[]): Promise<void> {
  if (due.length === 0) return
  const told = due.map((row) => ({ ...row, tallies: { ...NO_TALLIES, ...row.tallies } }))
  await tellUsers(
    tx,
    now,
    told.map(({ user_id, kind, channel, round, ...row }) => ({
      key: `gathered:${user_id}:${kind}:${channel}:${round}`,
      user_id,
      kind,
      channels: [channel],
      data: dataOf({ kind, ...row }),
    })),
  )
  tx.send(EMPTY, [
    plainArray(due.map((row) => row.user_id)),
    textArray(due.map((row) => row.kind)),
    textArray(due.map((row) => row.channel)),
    plainArray(due.map((row) => streakAt(row, now) + 1)),
    now,
  ])
}
