import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'

const count = statement(`
  select (select count(*)::int from notifications.webhook_delivery where state = 'waiting') as waiting, due.*
  from (
    select count(*)::int as due, coalesce(extract(epoch from $1 - min(due_at)), 0)::float8 as oldest_s
    from notifications.webhook_delivery where state = 'due'
  ) due`)

/** Measures the queue for operators. */
export async function measureDeliveries(app: App): Promise<false> {
  const deliveries = app.metrics.gauge('saldo_webhook_deliveries', 'Deliveries to webhooks that are not done', [
    'state',
  ])
  const oldest = app.metrics.gauge('saldo_webhook_oldest_due_seconds', 'How long the oldest due delivery has been due')
  const [row] = await app.db.query<{ due: number; waiting: number; oldest_s: number }>(count, [app.clock.now()])
  deliveries.set({ state: 'due' }, row?.due ?? 0)
  deliveries.set({ state: 'waiting' }, row?.waiting ?? 0)
  oldest.set(Math.max(0, row?.oldest_s ?? 0))
  return false
}
