import { recordActs } from '#server/domains/audit/record-acts.ts'
import { invariant } from '#server/kit/invariant.ts'
import type { App } from '#server/platform/app.ts'
import { int8Array, textArray } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { type Asker, askerName, ownerOf } from '../asker.ts'
import { refunded } from '../desk/resolve-order.ts'
import { ORDER_COLUMNS, type Order, WITHOUT_PROVIDER } from '../order.ts'
import { writeOrders } from '../write-orders.ts'
import { RUNS_MAX } from './drip-feed.ts'

/** As many as orders in one call. */
const CANCEL_FEEDS_MAX = 100

/** `cancelled`: how many runs were given up now; the others have ended or are at their provider, and go on. Undefined: there is no such drip-feed. */
export type CancelFeedOutcome = { cancelled: number } | undefined

/**
 * Gives up what is left of drip-feeds: their runs that no provider has are cancelled and their money released, of each in one transaction, and of so many together as have RUNS_MAX runs. What was
 * sent goes on and is paid as it is delivered. Done twice, it is done once. Outcome i answers id i.
 */
export async function cancelDripFeeds(
  app: Pick<App, 'db' | 'clock'>,
  ids: readonly bigint[],
  by: Asker,
  own?: Tx,
): Promise<CancelFeedOutcome[]> {
  invariant(ids.length <= CANCEL_FEEDS_MAX, 'cancelDripFeeds: batch too long')
  if (ids.length === 0) return []
  const feeds = await (own ?? app.db).query<FeedSize>(feedSizes, [int8Array(ids), ownerOf(by) ?? null])
  const cancelled = new Map(feeds.map(({ id }) => [id, 0]))
  // One after another: a customer of many drip-feeds takes one connection, as others do.
  for (const batch of batchesOf(feeds)) {
    const cancel = (tx: Tx) => cancelIn(app, tx, batch, by)
    for (const [id, runs] of await (own ? cancel(own) : app.db.transaction(cancel))) cancelled.set(id, runs)
  }
  return ids.map((id) => {
    const runs = cancelled.get(id)
    return runs === undefined ? undefined : { cancelled: runs }
  })
}

interface FeedSize {
  id: bigint
  runs: number
}

const feedSizes = statement(`
  select id, runs from orders.drip_feed
  where id = any($1::bigint[]) and ($2::bigint is null or customer_id = $2::bigint) order by id`)

/** Ids of drip-feeds that have RUNS_MAX runs together at the most, or one of them. */
function batchesOf(feeds: readonly FeedSize[]): bigint[][] {
  const batches: bigint[][] = []
  let room = 0
  for (const { id, runs } of feeds) {
    if (runs > room) {
      batches.push([])
      room = RUNS_MAX
    }
    batches.at(-1)?.push(id)
    room -= runs
  }
  return batches
}

// Whoever cancels one at the same moment takes turns here, and then finds nothing left to give up.
const lockFeeds = statement(`
  select 1 from orders.drip_feed where id = any($1::bigint[]) order by id for no key update`)

// Those that are being claimed at this moment are waited for, and then are no longer of these states: what may have been sent is never given up.
const lockUnsent = statement(`
  select ${ORDER_COLUMNS} from orders.orders where drip_feed_id = any($1::bigint[]) and state = any($2::text[])
  order by id for no key update`)

const markCancelled = statement(`
  update orders.drip_feed set cancelled_at = $2 where id = any($1::bigint[]) and cancelled_at is null`)

/** Answers how many runs were given up of each that had any left. */
async function cancelIn(
  { db, clock }: Pick<App, 'db' | 'clock'>,
  tx: Tx,
  ids: readonly bigint[],
  by: Asker,
): Promise<Map<bigint, number>> {
  await tx.query(lockFeeds, [int8Array(ids)])
  const runs = await tx.query<Order>(lockUnsent, [int8Array(ids), textArray(WITHOUT_PROVIDER)])
  if (runs.length === 0) return new Map()
  const now = clock.now()
  const actor = askerName(by)
  await writeOrders(
    db,
    tx,
    runs.map((run) => refunded(run, actor, now, { cancelled: true, from: run.state })),
  )
  const cancelled = new Map<bigint, number>()
  for (const { drip_feed_id } of runs) {
    if (drip_feed_id !== null) cancelled.set(drip_feed_id, (cancelled.get(drip_feed_id) ?? 0) + 1)
  }
  tx.send(markCancelled, [int8Array([...cancelled.keys()]), now])
  if ('staff' in by) {
    const acts = [...cancelled].map(([id, cancelled_runs]) => ({
      action: 'orders.drip_feed_cancelled',
      actor: by.staff,
      subject: { kind: 'drip_feed', id },
      after: { cancelled_runs },
    }))
    recordActs(tx, acts)
  }
  return cancelled
}
