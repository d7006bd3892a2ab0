import { type Db, statement } from '#server/platform/db/database.ts'
import { DEPTH_MAX, type QueueFigure } from '#server/platform/queues/queue.ts'

const OPEN = statement(`
  select state, count(*)::int as depth, min(asked_at) as oldest_at
  from (select state, asked_at from payments.deposit where state in ('pending', 'approved_once') limit $1) as open
  group by state`)

/** The deposits that wait for a person. */
export async function reportDeposits(db: Db): Promise<QueueFigure[]> {
  const rows = await db.query<Pick<QueueFigure, 'state' | 'depth' | 'oldest_at'>>(OPEN, [DEPTH_MAX])
  return ['pending', 'approved_once'].map((state) => {
    const { depth = 0, oldest_at = null } = rows.find((row) => row.state === state) ?? {}
    return { queue: 'deposits', kind: 'by_hand', state, stage: 'stuck', depth, oldest_at }
  })
}
