import { type Db, statement } from '#server/platform/db/database.ts'
import { DEPTH_MAX, type QueueFigure, type Stage } from '#server/platform/queues/queue.ts'

// Each stands on the index of its state.
const FIGURES = statement(`
with due as (select due_at from notifications.webhook_delivery where state = 'due' limit $1),
sending as (select from notifications.webhook_delivery where state = 'sending' limit $1),
waiting as (select from notifications.webhook_delivery where state = 'waiting' limit $1)
select 'due' as state, count(*)::int as depth, min(due_at) as oldest_at from due
union all select 'sending', count(*)::int, null from sending
union all select 'waiting', count(*)::int, null from waiting`)

const STAGES: Readonly<Record<string, Stage>> = { due: 'ready', sending: 'running', waiting: 'later' }

/** Deliveries to webhooks that are due, under way, or wait for their next try. Of each state no more than DEPTH_MAX are counted. */
export async function reportDeliveries(db: Db): Promise<QueueFigure[]> {
  const rows = await db.query<Pick<QueueFigure, 'state' | 'depth' | 'oldest_at'>>(FIGURES, [DEPTH_MAX])
  return rows.map((row) => ({ queue: 'webhooks', kind: 'deliver', stage: STAGES[row.state] ?? 'later', ...row }))
}
