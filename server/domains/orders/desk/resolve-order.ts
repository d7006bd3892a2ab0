import type { Act, Actor, Json } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import { unreachable } from '#server/kit/invariant.ts'
import type { App } from '#server/platform/app.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { asPlaced } from '../dispatching/placement-change.ts'
import { costOfPlacing, type Order, orderCan } from '../order.ts'
import type { OrderChange } from '../order-change.ts'
import { lockOrders, writeOrders } from '../write-orders.ts'

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
  actor: Actor,
): Promise<ResolveOutcome> {
  return app.db.transaction(async (tx) => {
    const order = (await lockOrders(tx, [order_id])).get(order_id)
    if (!order) return refuse('order_not_found', `There is no order ${order_id}.`)
    if (!orderCan.resolve(order)) return refuse('order_not_waiting', `Order ${order_id} is ${order.state}.`)
    if (resolution.kind === 'placed' && (await isTaken(tx, order, resolution.provider_order_id))) {
      const message = `Number ${resolution.provider_order_id} at this provider belongs to another order.`
      return refuse('provider_order_taken', message)
    }
    const change = resolutionChange(order, resolution, { actor: staffName(actor) }, app.clock.now())
    await writeOrders(app.db, tx, [change])
    recordActs(tx, [resolvedAct(change, resolution, actor)])
    return { ok: true, state: change.after.state ?? order.state }
  })
}

/** The act of resolving an order. */
export function resolvedAct(
  { before, after }: OrderChange,
  resolution: Resolution,
  actor: Actor,
  evidence?: Json,
): Act {
  return {
    action: 'orders.resolved',
    actor,
    subject: { kind: 'order', id: before.id },
    before: { state: before.state, reason: before.reason, provider_order_id: before.provider_order_id },
    after: {
      resolution: resolution.kind,
      state: after.state ?? before.state,
      provider_order_id: after.provider_order_id,
      evidence,
    },
  }
}

/** How an order's history names who acted. */
export function staffName(actor: Actor): string {
  if (actor.kind === 'system') return 'system'
  return `staff:${actor.user_id ?? 'command'}`
}

const takenNumber = statement(`
  select 1 as taken from orders.orders where provider_id = $1 and provider_order_id = $2 and id <> $3`)

async function isTaken(tx: Tx, order: Order, provider_order_id: string): Promise<boolean> {
  return (await tx.query(takenNumber, [order.provider_id, provider_order_id, order.id])).length > 0
}

/** Who resolves an order, and on what grounds where they are not a person's word. */
interface ResolvedBy {
  actor: string
  evidence?: Record<string, unknown>
}

/** What a resolution makes of an order that may be resolved. Pure. */
export function resolutionChange(order: Order, resolution: Resolution, by: ResolvedBy, now: Date): OrderChange {
  switch (resolution.kind) {
    case 'placed':
      return placed(order, resolution.provider_order_id, by, now)
    case 'resend':
      return resent(order, by.actor, now, by.evidence)
    case 'refund':
      return refunded(order, by.actor, now, { resolved: true, ...by.evidence })
    default:
      return unreachable(resolution)
  }
}

function placed(order: Order, provider_order_id: string, { actor, evidence }: ResolvedBy, now: Date): OrderChange {
  const by = { actor, data: { resolved: true, ...evidence } }
  // The placement that the provider called failed goes on after all: it has been paid.
  if (provider_order_id === order.provider_order_id) {
    return asPlaced(order, provider_order_id, order.booked_cost, now, by)
  }
  const change = asPlaced(order, provider_order_id, order.booked_cost + costOfPlacing(order), now, by)
  return { ...change, after: { ...change.after, sunk_cost: order.booked_cost } }
}

/** An order given up by `actor`: all its money goes back to the customer. */
export function refunded(order: Order, actor: string, now: Date, why: Record<string, unknown>): OrderChange {
  return {
    before: order,
    after: {
      state: 'cancelled',
      reason: null,
      detail: null,
      captured: 0n,
      released: order.charge,
      // What a provider takes for a placement that it calls failed is known from the provider alone.
      next_check_at: order.provider_order_id === null ? null : now,
      failed_checks: 0,
    },
    step: { kind: 'settled', actor, data: { captured: '0', released: String(order.charge), ...why } },
  }
}

/** An order put back into the queue by `actor`. */
export function resent(order: Order, actor: string, now: Date, evidence?: Record<string, unknown>): OrderChange {
  return {
    before: order,
    after: {
      state: 'queued',
      reason: null,
      detail: null,
      attempt: null,
      provider_order_id: null,
      sunk_cost: order.booked_cost,
      accepted_cost: null,
      resubmits: order.resubmits + 1,
      last_resubmit_at: now,
    },
    step: { kind: 'resubmitted', actor, ...(evidence && { data: evidence }) },
  }
}

function refuse(code: Extract<ResolveOutcome, { ok: false }>['code'], message: string): ResolveOutcome {
  return { ok: false, code, message }
}
