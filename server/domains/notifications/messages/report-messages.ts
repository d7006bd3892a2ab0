import { type Db, statement } from '#server/platform/db/database.ts'
import { DEPTH_MAX, type QueueFigure, type Stage } from '#server/platform/queues/queue.ts'
import { SENT_CHANNELS } from './message.ts'

// A walk of the index for each channel, and no more of it than is counted.
const FIGURES = statement(`
select channel as kind, state, depth, oldest_at
from unnest($1::text[]) as channel cross join lateral (
  select 'due' as state, count(*)::int as depth, min(next_at) as oldest_at from (
    select next_at from notifications.message m
    where m.channel = channel.channel and m.state = 'waiting' and next_at <= now() order by next_at limit $2) due
  union all
  select 'later', count(*)::int, null from (
    select from notifications.message m
    where m.channel = channel.channel and m.state = 'waiting' and next_at > now() order by next_at limit $2) later
  union all
  select 'sending', count(*)::int, null from (
    select from notifications.message m where m.channel = channel.channel and m.state = 'sending' limit $2) sending
) counted
union all
select 'gathering', 'due', count(*)::int, min(at) from (select at from notifications.occasion order by id limit $2) noted`)

const STAGES: Readonly<Record<string, Stage>> = { due: 'ready', later: 'later', sending: 'running' }

/** Messages to be sent, by channel, and occasions that are not gathered yet. Of each state no more than DEPTH_MAX are counted. */
export async function reportMessages(db: Db): Promise<QueueFigure[]> {
  const rows = await db.query<Omit<QueueFigure, 'queue' | 'stage'>>(FIGURES, [[...SENT_CHANNELS], DEPTH_MAX])
  return rows.map((row) => ({ queue: 'messages', stage: STAGES[row.state] ?? 'later', ...row }))
}
