import type { Actor } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import { invariant } from '#server/kit/invariant.ts'
import type { App } from '#server/platform/app.ts'
import { int8Array } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { type Asker, askerName, ownerOf } from '../asker.ts'
import { refunded } from '../desk/resolve-order.ts'
import { FINAL_STATES, type Order, orderCan } from '../order.ts'
import type { OrderChange } from '../order-change.ts'
import { lockOrders, writeOrders } from '../write-orders.ts'
import type { CancelState } from './cancel-request.ts'

/** As the panels' form has it. */
export const CANCEL_ORDERS_MAX = 100

/** Wishes for one order at one provider: who has refused so often means it. */
export const REQUESTS_MAX = 3

/** `cancelled`: at once, all the money is back. `requested`: the provider is asked; the order's status tells what becomes of it. */
export type CancelOutcome =
  | { ok: true; how: 'cancelled' | 'requested' }
  | {
      ok: false
      code: 'order_not_found' | 'order_ended' | 'cancel_not_available' | 'cancel_refused'
      message: string
    }

/**
 * Cancels orders: at once those that no provider has, with their hold released; of the others, where the service can be cancelled, the provider is asked in the
 * background. A wish repeated while the first holds counts as the first. Outcome i answers id i; another customer's order is none.
 */
export async function cancelOrders(
  app: Pick<App, 'db' | 'clock'>,
  order_ids: readonly bigint[],
  by: Asker,
  own?: Tx,
): Promise<CancelOutcome[]> {
  invariant(order_ids.length <= CANCEL_ORDERS_MAX, 'cancelOrders: batch too long')
  const cancel = (tx: Tx) => cancelIn(tx, app, order_ids, by)
  return own ? cancel(own) : app.db.transaction(cancel)
}

async function cancelIn(
  tx: Tx,
  { db, clock }: Pick<App, 'db' | 'clock'>,
  order_ids: readonly bigint[],
  by: Asker,
): Promise<CancelOutcome[]> {
  const orders = await lockOrders(tx, [...new Set(order_ids)], ownerOf(by))
  const wishes = await readWishes(tx, order_ids)
  const actor = askerName(by)
  const now = clock.now()
  const decided = new Map<bigint, CancelOutcome>()
  const changes: OrderChange[] = []
  for (const id of order_ids) {
    if (decided.has(id)) continue
    const order = orders.get(id)
    const outcome = order ? decideCancel(order, wishes.get(id)) : refuse('order_not_found', `There is no order ${id}.`)
    decided.set(id, outcome)
    if (!order || !outcome.ok) continue
    if (outcome.how === 'cancelled') changes.push(refunded(order, actor, now, { cancelled: true, from: order.state }))
    else if (!isUnderWay(order, wishes.get(id))) {
      changes.push({ before: order, after: {}, step: { kind: 'cancel_asked', actor } })
    }
  }
  const asked = changes.filter(({ step }) => step?.kind === 'cancel_asked').map(({ before }) => before.id)
  if (asked.length > 0) tx.send(insertRequests, [int8Array(asked), actor, now])
  await writeOrders(db, tx, changes)
  if ('staff' in by)
    recordActs(
      tx,
      changes.map((change) => cancelledAct(change, by.staff)),
    )
  return order_ids.map((id) => decided.get(id) as CancelOutcome)
}

interface Wishes {
  cancellable: boolean
  /** Of the latest request. */
  state: CancelState | null
  /** To which provider it went, and to which number there. */
  provider_id: bigint | null
  provider_order_id: string | null
  /** Of those that went to the provider that has the order now, or to nobody yet. */
  requests: number
}

// The orders are locked: nobody adds to these meanwhile. Whether a provider can cancel is said of the service.
const selectWishes = statement(`
  select o.id as order_id, coalesce(s.cancel, false) as cancellable, latest.state, latest.provider_id, latest.provider_order_id, coalesce(latest.number, 0) as requests
  from orders.orders o
  left join catalog.service s on s.id = o.service_id
  left join lateral (
    select state, provider_id, provider_order_id, count(*) filter (where coalesce(r.provider_id, o.provider_id) = o.provider_id) over ()::int as number
    from orders.cancel_request r where r.order_id = o.id order by r.id desc limit 1
  ) latest on true
  where o.id = any($1::bigint[])`)

async function readWishes(tx: Tx, order_ids: readonly bigint[]): Promise<Map<bigint, Wishes>> {
  const rows = await tx.query<Wishes & { order_id: bigint }>(selectWishes, [int8Array(order_ids)])
  return new Map(rows.map((row) => [row.order_id, row]))
}

function decideCancel(order: Order, wishes: Wishes | undefined): CancelOutcome {
  if (FINAL_STATES.includes(order.state)) return refuse('order_ended', `Order ${order.id} has ended.`)
  if (orderCan.cancelAtOnce(order)) return { ok: true, how: 'cancelled' }
  if (isUnderWay(order, wishes)) return { ok: true, how: 'requested' }
  if (!wishes?.cancellable)
    return refuse('cancel_not_available', `The service of order ${order.id} cannot be cancelled.`)
  if (wishes.requests >= REQUESTS_MAX) {
    return refuse('cancel_refused', `Order ${order.id} cannot be cancelled any more: it was asked for too often.`)
  }
  return { ok: true, how: 'requested' }
}

/** Whether the latest wish still holds: it is on its way, or the provider that has the order took it. */
function isUnderWay(order: Order, wishes: Wishes | undefined): boolean {
  if (wishes?.state === 'asked' || wishes?.state === 'sent') return true
  if (wishes?.state !== 'accepted' || wishes.provider_order_id !== order.provider_order_id) return false
  return wishes.provider_id === null || wishes.provider_id === order.provider_id
}

const insertRequests = statement(`
  insert into orders.cancel_request (order_id, asked_by, asked_at, state, next_try_at)
  select unnest($1::bigint[]), $2, $3::timestamptz, 'asked', $3::timestamptz`)

function cancelledAct({ before, step }: OrderChange, actor: Actor) {
  return {
    action: step?.kind === 'cancel_asked' ? 'orders.cancel_requested' : 'orders.cancelled',
    actor,
    subject: { kind: 'order', id: before.id },
    before: { state: before.state, reason: before.reason },
    ...(step?.kind !== 'cancel_asked' && { after: { state: 'cancelled' } }),
  }
}

function refuse(code: Extract<CancelOutcome, { ok: false }>['code'], message: string): CancelOutcome {
  return { ok: false, code, message }
}
