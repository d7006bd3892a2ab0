import { type Db, statement } from '#server/platform/db/database.ts'
import { DEPTH_MAX, type QueueFigure } from '#server/platform/queues/queue.ts'

// A number that is another order's costs nothing.
const UNBILLED = statement(`
  select count(*)::int as depth, min(seen_at) as oldest_at
  from (select seen_at from orders.unbilled_post where seen_at > now() - interval '1 day' and why <> 'another_order' limit $1) as seen`)

/** The posts that providers began within the last day and nobody pays for: what they cost is the house's loss, and what let it come to that may go on. Before a day they are history. */
export async function reportPosts(db: Db): Promise<QueueFigure[]> {
  const [row] = await db.query<Pick<QueueFigure, 'depth' | 'oldest_at'>>(UNBILLED, [DEPTH_MAX])
  const { depth = 0, oldest_at = null } = row ?? {}
  return [{ queue: 'posts', kind: 'unbilled', state: 'last_day', stage: 'stuck', depth, oldest_at }]
}
