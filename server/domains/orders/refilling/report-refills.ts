import { type Db, statement } from '#server/platform/db/database.ts'
import { DEPTH_MAX, type QueueFigure } from '#server/platform/queues/queue.ts'

// Those that are open stand in an index of their own, and of them few wait for a person.
const WAITING = statement(`
  select kind, count(*)::int as depth, min(since) as oldest_at
  from (select case when manual then 'by_hand' else 'unknown' end as kind, waiting_since as since from orders.refill
    where state in ('asked', 'sent', 'unknown', 'pending', 'in_progress') and waiting_since is not null limit $1) as waiting
  group by kind`)

/** The refills that wait for a person: staff see to them, or nobody knows what became of them at the provider; since they do so, not since they were asked for. */
export async function reportRefills(db: Db): Promise<QueueFigure[]> {
  const rows = await db.query<Pick<QueueFigure, 'kind' | 'depth' | 'oldest_at'>>(WAITING, [DEPTH_MAX])
  return ['by_hand', 'unknown'].map((kind) => {
    const { depth = 0, oldest_at = null } = rows.find((row) => row.kind === kind) ?? {}
    return { queue: 'refills', kind, state: 'open', stage: 'stuck', depth, oldest_at }
  })
}
