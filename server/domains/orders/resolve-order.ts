import type { App } from '#server/platform/app.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { accountIds, costIn, prepaidAt, revenueIn } from './accounts.ts'
import { type Order, orderCan } from './order.ts'
import { nextCheck_ms } from './poll-schedule.ts'
import { bookCosts } from './record-placements.ts'
import { settlementsOf } from './record-statuses.ts'
import { lockOrders, type OrderChange, writeOrders } from './write-orders.ts'

/**
 * What a person found out: the order was placed under the provider's number; it was not placed and is to be sent (again); it is not to be done, the customer gets
 * all of the money back.
 */
export type Resolution = { kind: 'placed'; provider_order_id: string } | { kind: 'resend' } | { kind: 'refund' }

export type ResolveOutcome =
  | { ok: true; state: Order['state'] }
  | { ok: false; code: 'order_not_found' | 'order_not_waiting' | 'provider_order_taken'; message: string }

/** Ends the waiting of an unknown or failed order, once: of two who resolve it at the same time, the second is told that it waits no more. */
export async function resolveOrder(
  app: App,
  order_id: bigint,
  resolution: Resolution,
  actor: string,
): Promise<ResolveOutcome> {
  await rememberAccounts(app, order_id)
  return app.db.transaction(async (tx) => {
    const order = (await lockOrders(tx, [order_id])).get(order_id)
    if (!order) return refuse('order_not_found', `There is no order ${order_id}.`)
    if (!orderCan.resolve(order)) return refuse('order_not_waiting', `Order ${order_id} is ${order.state}.`)
    if (resolution.kind === 'placed' && (await isTaken(tx, order, resolution.provider_order_id))) {
      const message = `Number ${resolution.provider_order_id} at this provider belongs to another order.`
      return refuse('provider_order_taken', message)
    }
    const change = changeFor(order, resolution, actor, app.clock.now())
    await bookCosts(app, tx, [change], await settlementsOf(app, [change]))
    writeOrders(tx, [change])
    return { ok: true, state: change.after.state ?? order.state }
  })
}

/** Before the transaction, so that making an account never waits inside one. */
async function rememberAccounts(app: App, order_id: bigint): Promise<void> {
  const [order] = await app.db.query<Pick<Order, 'provider_id' | 'cost_asset' | 'asset'>>(
    'select provider_id, cost_asset, asset from orders.orders where id = $1',
    [order_id],
  )
  if (!order) return
  const { provider_id, cost_asset, asset } = order
  await accountIds(app.db, [prepaidAt(provider_id, cost_asset), costIn(cost_asset), revenueIn(asset)])
}

const takenNumber = statement(`
  select 1 as taken from orders.orders where provider_id = $1 and provider_order_id = $2 and id <> $3`)

async function isTaken(tx: Tx, order: Order, provider_order_id: string): Promise<boolean> {
  return (await tx.query(takenNumber, [order.provider_id, provider_order_id, order.id])).length > 0
}

function changeFor(order: Order, resolution: Resolution, actor: string, now: Date): OrderChange {
  switch (resolution.kind) {
    case 'placed': {
      const { provider_order_id } = resolution
      return {
        before: order,
        after: {
          state: 'pending',
          reason: null,
          detail: null,
          provider_order_id,
          // A provider that failed may have been paid already; then its cost stands.
          booked_cost: order.booked_cost > 0n ? order.booked_cost : order.expected_cost,
          accepted_at: now,
          next_check_at: new Date(now.getTime() + nextCheck_ms(0, 0)),
        },
        step: { kind: 'accepted', actor, data: { provider_order_id, resolved: true } },
      }
    }
    case 'resend':
      return resent(order, actor, now)
    case 'refund':
      return {
        before: order,
        after: { state: 'cancelled', reason: null, detail: null, captured: 0n, released: order.charge },
        step: { kind: 'settled', actor, data: { captured: '0', released: String(order.charge), resolved: true } },
      }
  }
}

/** An order put back into the queue by `actor`. */
export function resent(order: Order, actor: string, now: Date): OrderChange {
  return {
    before: order,
    after: {
      state: 'queued',
      reason: null,
      detail: null,
      attempt: null,
      provider_order_id: null,
      resubmits: order.resubmits + 1,
      last_resubmit_at: now,
    },
    step: { kind: 'resubmitted', actor },
  }
}

function refuse(code: Extract<ResolveOutcome, { ok: false }>['code'], message: string): ResolveOutcome {
  return { ok: false, code, message }
}
