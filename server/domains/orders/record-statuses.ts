import type { Entry, Movement } from '#server/domains/ledger/entry.ts'
import type { StatusRow } from '#server/domains/providers/provider.ts'
import type { App } from '#server/platform/app.ts'
import { dateArray, int8Array } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { accountIds, revenueIn } from './accounts.ts'
import { decideStatus } from './decide-status.ts'
import { type Order, orderCan } from './order.ts'
import { nextCheck_ms } from './poll-schedule.ts'
import { bookCosts } from './record-placements.ts'
import { lockOrders, type OrderChange, writeOrders } from './write-orders.ts'

/** What a provider said of one order. */
export interface ReadStatus {
  order_id: bigint
  row: StatusRow
}

/**
 * Takes over what providers say of orders, in one transaction: states and figures, the settlement of those that ended, and corrections of cost. Orders that are
 * no longer open are left as they are. Answers how many ended.
 */
export async function recordStatuses(app: App, statuses: readonly ReadStatus[]): Promise<{ settled: number }> {
  const now = app.clock.now()
  return app.db.transaction(async (tx) => {
    const orders = await lockOrders(
      tx,
      statuses.map((status) => status.order_id),
    )
    const changes: OrderChange[] = []
    const unchanged: Order[] = []
    for (const { order_id, row } of statuses) {
      const order = orders.get(order_id)
      if (!order || !orderCan.follow(order)) continue
      const change = decideStatus(order, row, now)
      if (change) changes.push(change)
      else unchanged.push(order)
    }
    const settlements = await settlementsOf(app, changes)
    await bookCosts(app, tx, changes, settlements)
    writeOrders(tx, changes)
    markChecked(tx, unchanged, now)
    return { settled: settlements.length }
  })
}

/** The entries that settle what is captured and released in `changes`: out of each order's hold, once. */
export async function settlementsOf(app: App, changes: readonly OrderChange[]): Promise<Entry[]> {
  const ended = changes.filter(({ before, after }) => after.captured !== undefined && after.state !== before.state)
  const revenue = await accountIds(
    app.db,
    ended.map(({ before }) => revenueIn(before.asset)),
  )
  return ended.map(({ before, after }, i): Entry => {
    const captured = after.captured as bigint
    const subject = { kind: 'order', id: before.id }
    const movements: Movement[] = []
    if (captured > 0n) {
      const credit = revenue[i] as bigint
      movements.push({ kind: 'capture', hold: before.hold, credit, amount: captured, reason: 'order.capture', subject })
    }
    if (captured < before.charge) {
      movements.push({ kind: 'release', hold: before.hold, amount: before.charge - captured })
    }
    return { key: `order:${before.id}:settle`, movements }
  })
}

const touch = statement(`
  update orders.orders o set checked_at = $2, next_check_at = new.next_check_at, failed_checks = 0
  from unnest($1::bigint[], $3::timestamptz[]) as new (id, next_check_at)
  where o.id = new.id`)

/** Nothing that anyone sees has changed: no version, no history. */
function markChecked(tx: Tx, orders: readonly Order[], now: Date): void {
  if (orders.length === 0) return
  const next = orders.map((order) => {
    const age_ms = now.getTime() - (order.accepted_at ?? order.placed_at).getTime()
    return new Date(now.getTime() + nextCheck_ms(age_ms, 0))
  })
  tx.send(touch, [int8Array(orders.map((order) => order.id)), now, dateArray(next)])
}
