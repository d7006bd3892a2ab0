import { statement, type Tx } from '#server/platform/db/database.ts'

const FORGET = statement(`
  update notifications.webhook_health set failing_since = null, failures = 0, last_failure_at = null, paused_until = null
  where webhook_id = $1`)

/** Lets a webhook begin anew. Before the webhook is locked: health, deliveries, webhooks is the order in which all of this domain lock. */
export function forgetFailures(tx: Tx, webhook_id: bigint): void {
  tx.send(FORGET, [webhook_id])
}
