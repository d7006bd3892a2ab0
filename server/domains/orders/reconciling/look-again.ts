import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'

// Counted from the beginning: who asks has reason to think that there is something to be found.
const askAgain = statement(`
  update orders.unknown_case c set next_try_at = $2, tries = 1, tried_at = coalesce(tried_at, $2)
  from orders.orders o where o.id = $1 and o.state = 'unknown' and c.attempt = o.attempt
  returning c.next_try_at`)

/** Has an order of unknown fate looked at as soon as a worker comes to it. False when there is no such order, or no worker has seen it yet and it is looked at anyway. */
export async function lookAgain(app: Pick<App, 'db' | 'clock'>, order_id: bigint): Promise<boolean> {
  return (await app.db.query(askAgain, [order_id, app.clock.now()])).length > 0
}
