import { int8Array } from '#server/platform/db/arrays.ts'
import { type Db, statement } from '#server/platform/db/database.ts'
import { type CustomerOrder, customerColumns } from '../order.ts'
import type { DripFeed, RunFigures } from './drip-feed.ts'

/** Drip-feeds in one page: each may bring a thousand runs. */
export const FEEDS_PAGE_MAX = 20

const COLUMNS = 'id, customer_id, runs, interval_minutes, request_key, placed_at, cancelled_at'

/** A drip-feed with its runs, in their order. */
export interface FeedWithRuns {
  feed: DripFeed
  runs: CustomerOrder[]
}

const feedsByIds = statement(`
  select ${COLUMNS} from orders.drip_feed where customer_id = $1 and id = any($2::bigint[])`)

/** The customer's own drip-feeds among `ids`, by id. Another's is absent, as if it were not. */
export async function findDripFeeds(
  db: Pick<Db, 'query'>,
  customer_id: bigint,
  ids: readonly bigint[],
): Promise<Map<bigint, FeedWithRuns>> {
  if (ids.length === 0) return new Map()
  return withRuns(db, await db.query<DripFeed>(feedsByIds, [customer_id, int8Array(ids)]))
}

/** How a drip-feed stands, without its runs one by one: a hundred may have a hundred thousand. */
export interface FeedStanding {
  feed: DripFeed
  /** What its runs in each state come to, that of the first run first. */
  parts: (RunFigures & Pick<CustomerOrder, 'asset' | 'version'>)[]
  /** The ids of its runs, in their order. */
  orders: readonly bigint[]
}

const standingFeeds = statement(`
  select ${COLUMNS}, array(select o.id from orders.orders o where o.drip_feed_id = f.id order by o.run) as orders
  from orders.drip_feed f where customer_id = $1 and id = any($2::bigint[])`)

// What remains of each is counted as its customer sees it, for a sum hides what is below zero.
const partsOf = statement(`
  select o.drip_feed_id, o.state, min(o.asset) as asset, sum(o.charge)::bigint as charge, sum(o.captured)::bigint as captured,
    sum(o.released)::bigint as released,
    sum(o.refunded)::bigint as refunded, sum(o.quantity)::bigint as quantity, sum(o.version)::bigint as version,
    sum(least(greatest(coalesce(o.remains, o.quantity), 0), o.quantity))::bigint as remains,
    (array_agg(o.start_count order by o.run))[1] as start_count
  from orders.orders o where o.drip_feed_id = any($1::bigint[])
  group by o.drip_feed_id, o.state order by o.drip_feed_id, min(o.run)`)

/** How the customer's own drip-feeds among `ids` stand, by id. Another's is absent, as if it were not. */
export async function findFeedStandings(
  db: Pick<Db, 'query'>,
  customer_id: bigint,
  ids: readonly bigint[],
): Promise<Map<bigint, FeedStanding>> {
  if (ids.length === 0) return new Map()
  const feeds = await db.query<DripFeed & { orders: bigint[] }>(standingFeeds, [customer_id, int8Array(ids)])
  const found = new Map(
    feeds.map(({ orders, ...feed }): [bigint, FeedStanding] => [feed.id, { feed, parts: [], orders }]),
  )
  if (feeds.length === 0) return found
  const parts = await db.query<FeedStanding['parts'][number] & { drip_feed_id: bigint }>(partsOf, [
    int8Array([...found.keys()]),
  ])
  for (const { drip_feed_id, ...part } of parts) found.get(drip_feed_id)?.parts.push(part)
  return found
}

const anyFeed = statement(`select ${COLUMNS} from orders.drip_feed where id = $1`)

/** Any customer's drip-feed, for staff. */
export async function findDripFeed(db: Pick<Db, 'query'>, id: bigint): Promise<FeedWithRuns | undefined> {
  return (await withRuns(db, await db.query<DripFeed>(anyFeed, [id]))).get(id)
}

const pageOfFeeds = statement(`
  select ${COLUMNS} from orders.drip_feed where customer_id = $1 and id < $2 order by id desc limit $3`)

/** A page of the customer's drip-feeds, newest first, below the id `before`; and whether there are more behind it. */
export async function listDripFeeds(
  db: Pick<Db, 'query'>,
  customer_id: bigint,
  before: bigint,
  limit: number,
): Promise<{ feeds: FeedWithRuns[]; has_more: boolean }> {
  const size = Math.min(limit, FEEDS_PAGE_MAX)
  const rows = await db.query<DripFeed>(pageOfFeeds, [customer_id, before, size + 1])
  const feeds = await withRuns(db, rows.slice(0, size))
  return { feeds: [...feeds.values()], has_more: rows.length > size }
}

const runsOf = statement(`
  select ${customerColumns('o')} from orders.orders o where drip_feed_id = any($1::bigint[]) order by drip_feed_id, run`)

async function withRuns(db: Pick<Db, 'query'>, feeds: readonly DripFeed[]): Promise<Map<bigint, FeedWithRuns>> {
  const found = new Map(feeds.map((feed) => [feed.id, { feed, runs: [] as CustomerOrder[] }]))
  if (feeds.length === 0) return found
  for (const run of await db.query<CustomerOrder>(runsOf, [int8Array(feeds.map(({ id }) => id))])) {
    if (run.drip_feed_id !== null) found.get(run.drip_feed_id)?.runs.push(run)
  }
  return found
}
