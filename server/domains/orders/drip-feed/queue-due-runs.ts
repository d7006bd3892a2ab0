import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import { ORDER_COLUMNS, type Order } from '../order.ts'
import { writeOrders } from '../write-orders.ts'

/** Runs in one transaction. */
const BATCH_MAX = 200

// Another worker's runs, and those that are being cancelled, are not waited for.
const due = statement(`
  select ${ORDER_COLUMNS} from orders.orders where state = 'scheduled' and not_before <= $1
  order by not_before limit ${BATCH_MAX} for no key update skip locked`)

/** Queues the runs whose time has come. From then on they wait like every order, and no longer than one may. Answers how many. May run at once with itself. */
export async function queueDueRuns(app: Pick<App, 'db' | 'clock'>): Promise<number> {
  for (let queued = 0; ; ) {
    const batch = await app.db.transaction(async (tx) => {
      const runs = await tx.query<Order>(due, [app.clock.now()])
      await writeOrders(
        app.db,
        tx,
        runs.map((run) => ({ before: run, after: { state: 'queued' }, step: { kind: 'due' } })),
      )
      return runs.length
    })
    queued += batch
    if (batch < BATCH_MAX) return queued
  }
}
