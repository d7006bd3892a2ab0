import { type Db, statement } from '#server/platform/db/database.ts'
import { DEPTH_MAX, type QueueFigure, type Stage } from '#server/platform/queues/queue.ts'

// Each stands on the index of its state. An order's number grows with time, so the lowest is taken for the oldest.
const TO_SEND = statement(`
with queued as (select id from orders.orders where state = 'queued' limit $1),
dispatching as (select id from orders.orders where state = 'dispatching' limit $1),
failed as (select id from orders.orders where state = 'failed' limit $1),
scheduled as (select id from orders.orders where state = 'scheduled' limit $1),
unknown as (select id from orders.orders where state = 'unknown' limit $1),
figure (state, depth, lowest) as (
  select 'queued', count(*), min(id) from queued union all select 'dispatching', count(*), min(id) from dispatching
  union all select 'scheduled', count(*), null from scheduled union all select 'failed', count(*), min(id) from failed union all select 'unknown', count(*), min(id) from unknown
)
select figure.state, depth::int as depth, greatest(o.placed_at, o.not_before, o.last_resubmit_at) as oldest_at
from figure left join orders.orders o on o.id = figure.lowest`)

// A walk of the index for each provider, and no more of them than are counted.
const TO_FOLLOW = statement(`
select 'due' as state, coalesce(sum(depth), 0)::int as depth, min(oldest_at) as oldest_at
from providers.provider p cross join lateral (
  select count(*) as depth, min(next_check_at) as oldest_at from (
    select next_check_at from orders.orders o where o.provider_id = p.id and next_check_at <= now() order by next_check_at limit $1) due
) counted
union all
select 'later', coalesce(sum(depth), 0)::int, null
from providers.provider p cross join lateral (
  select count(*) as depth from (
    select from orders.orders o where o.provider_id = p.id and next_check_at > now() order by next_check_at limit $1) waiting
) counted`)

const STAGES: Readonly<Record<string, Stage>> = {
  queued: 'ready',
  due: 'ready',
  later: 'later',
  scheduled: 'later',
  dispatching: 'running',
}

/** The orders that are to be sent, wait for a person, or are to be asked about. Of each state (and provider) no more than DEPTH_MAX are counted. */
export async function reportOrders(db: Db): Promise<QueueFigure[]> {
  const sent = await db.query<Row>(TO_SEND, [DEPTH_MAX])
  const followed = await db.query<Row>(TO_FOLLOW, [DEPTH_MAX])
  return [...sent.map((row) => figure('dispatch', row)), ...followed.map((row) => figure('follow', row))]
}

type Row = Pick<QueueFigure, 'state' | 'depth' | 'oldest_at'>

function figure(kind: string, row: Row): QueueFigure {
  return { queue: 'orders', kind, stage: STAGES[row.state] ?? 'stuck', ...row }
}
