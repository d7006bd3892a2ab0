import { type Db, statement } from '../db/database.ts'
import { reportDeadEvents } from '../jobs/report-jobs.ts'
import type { QueueFigure, Stage } from '../queues/queue.ts'

const UNPUBLISHED = statement(`
select type as kind, case when next_at is null then 'fresh' when next_at <= now() then 'due' else 'failed' end as state,
  count(*)::int as depth, min(at) as oldest_at
from platform.outbox group by 1, 2`)

const STAGES: Readonly<Record<string, Stage>> = { fresh: 'ready', due: 'ready', failed: 'later' }

/** What is in the outbox (fresh; due again after a failure; failed and waiting), and what of it was given up, by type of event. */
export async function reportEvents(db: Db): Promise<QueueFigure[]> {
  const unpublished = await db.query<Pick<QueueFigure, 'kind' | 'state' | 'depth' | 'oldest_at'>>(UNPUBLISHED)
  const rows = [...unpublished, ...(await reportDeadEvents(db))]
  return rows.map((row) => ({ queue: 'events', stage: STAGES[row.state] ?? 'stuck', ...row }))
}
