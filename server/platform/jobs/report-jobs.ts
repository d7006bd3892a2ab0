import { type Db, statement } from '../db/database.ts'
import type { QueueFigure, Stage } from '../queues/queue.ts'

// A job in its last attempt whose worker died is buried within seconds; till then it is nobody's.
const QUEUED = statement(`
select task_identifier as kind,
  case when attempts >= max_attempts and locked_at is null then 'exhausted' when locked_at is not null then 'running'
    when run_at > now() then 'later' else 'ready' end as state,
  count(*)::int as depth, min(case when locked_at is not null then locked_at when run_at <= now() then run_at else created_at end) as oldest_at
from graphile_worker.jobs group by 1, 2`)

const DEAD = statement(`
select name as kind, 'dead' as state, count(*)::int as depth, min(last_at) as oldest_at
from platform.dead_letter where state = 'waiting' and kind = $1 group by 1`)

const STAGES: Readonly<Record<string, Stage>> = { ready: 'ready', later: 'later', running: 'running' }

/** What is in the job queue, and what of it was given up, by kind of job. */
export async function reportJobs(db: Db): Promise<QueueFigure[]> {
  const rows = [...(await db.query<Row>(QUEUED)), ...(await db.query<Row>(DEAD, ['job']))]
  return rows.map((row) => ({ queue: 'jobs', stage: STAGES[row.state] ?? 'stuck', ...row }))
}

type Row = Pick<QueueFigure, 'kind' | 'state' | 'depth' | 'oldest_at'>

/** Events that were given up, by type. */
export async function reportDeadEvents(db: Db): Promise<Row[]> {
  return db.query<Row>(DEAD, ['event'])
}
