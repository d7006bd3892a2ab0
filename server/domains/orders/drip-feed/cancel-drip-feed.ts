import type { Actor } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import type { App } from '#server/platform/app.ts'
import { textArray } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { refunded, staffName } from '../desk/resolve-order.ts'
import { ORDER_COLUMNS, type Order, WITHOUT_PROVIDER } from '../order.ts'
import { writeOrders } from '../write-orders.ts'

/** Who wishes it: a customer of their own alone, or staff, whose acts are recorded. */
export type FeedCanceller = { customer_id: bigint } | { staff: Actor }

/** `cancelled`: how many runs were given up now; the others have ended or are at their provider, and go on. Undefined: there is no such drip-feed. */
export type CancelFeedOutcome = { cancelled: number } | undefined

// Whoever cancels it at the same moment takes turns here, and then finds nothing left to give up.
const lockFeed = statement(`
  select customer_id, cancelled_at from orders.drip_feed where id = $1 for no key update`)

// Those that are being claimed at this moment are waited for, and then are no longer of these states: what may have been sent is never given up.
const lockUnsent = statement(`
  select ${ORDER_COLUMNS} from orders.orders where drip_feed_id = $1 and state = any($2::text[]) order by id for no key update`)

const markCancelled = statement('update orders.drip_feed set cancelled_at = $2 where id = $1')

/**
 * Gives up what is left of a drip-feed: its runs that no provider has are cancelled and their money released, in one transaction. What was sent goes on and is paid as it is
 * delivered. Done twice, it is done once.
 */
export async function cancelDripFeed(
  app: Pick<App, 'db' | 'clock'>,
  id: bigint,
  by: FeedCanceller,
  own?: Tx,
): Promise<CancelFeedOutcome> {
  const cancel = (tx: Tx) => cancelIn(app, tx, id, by)
  return own ? cancel(own) : app.db.transaction(cancel)
}

async function cancelIn(
  { db, clock }: Pick<App, 'db' | 'clock'>,
  tx: Tx,
  id: bigint,
  by: FeedCanceller,
): Promise<CancelFeedOutcome> {
  const [feed] = await tx.query<{ customer_id: bigint; cancelled_at: Date | null }>(lockFeed, [id])
  if (!feed || ('customer_id' in by && feed.customer_id !== by.customer_id)) return undefined
  const runs = await tx.query<Order>(lockUnsent, [id, textArray(WITHOUT_PROVIDER)])
  if (runs.length === 0) return { cancelled: 0 }
  const now = clock.now()
  const actor = 'customer_id' in by ? `customer:${by.customer_id}` : staffName(by.staff)
  await writeOrders(
    db,
    tx,
    runs.map((run) => refunded(run, actor, now, { cancelled: true, from: run.state })),
  )
  if (feed.cancelled_at === null) tx.send(markCancelled, [id, now])
  if ('staff' in by) {
    const after = { cancelled_runs: runs.length }
    recordActs(tx, [
      { action: 'orders.drip_feed_cancelled', actor: by.staff, subject: { kind: 'drip_feed', id }, after },
    ])
  }
  return { cancelled: runs.length }
}
