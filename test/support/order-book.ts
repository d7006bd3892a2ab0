import { expect } from 'vitest'
import type { Service } from '#server/domains/catalog/service.ts'
import { verifyLedger } from '#server/domains/ledger/verify.ts'
import { type Claim, type ClaimLimits, claimOrders } from '#server/domains/orders/dispatching/claim-orders.ts'
import { type Placement, recordPlacements } from '#server/domains/orders/dispatching/record-placements.ts'
import type { Order } from '#server/domains/orders/order.ts'
import { placeOrders } from '#server/domains/orders/placing/place-orders.ts'
import type { PlaceOrder } from '#server/domains/orders/placing/placement.ts'
import { findOrder } from '#server/domains/orders/queries.ts'
import { verifyOrders } from '#server/domains/orders/verify-orders.ts'
import type { PlaceOutcome, StatusRow } from '#server/domains/providers/provider.ts'
import type { App } from '#server/platform/app.ts'
import type { Shop } from './shop.ts'

let links = 0

/** The service of which a thousand are the cheapest. */
export function cheapest(shop: Shop): Service {
  const [service] = shop.services.filter(({ type }) => type === 'Default').sort((a, b) => (a.rate < b.rate ? -1 : 1))
  if (!service) throw new Error('the shop sells nothing by quantity')
  return service
}

/** The cheapest service that can be had in runs. */
export function dripFed(shop: Shop): Service {
  const [service] = shop.services
    .filter(({ type, dripfeed }) => type === 'Default' && dripfeed)
    .sort((a, b) => (a.rate < b.rate ? -1 : 1))
  if (!service) throw new Error('the shop sells nothing in runs')
  return service
}

/** What a customer asks for: the smallest order of the cheapest service, with a link of its own. */
export function anOrder(shop: Shop, customer_id: bigint, changes: Partial<PlaceOrder> = {}): PlaceOrder {
  const service = cheapest(shop)
  links += 1
  return {
    customer_id,
    service_id: service.id,
    link: `https://example.com/${links}`,
    quantity: String(service.min),
    ...changes,
  }
}

/** Places `n` orders; answers them as they stand. */
export async function placed(
  shop: Shop,
  customer_id: bigint,
  n = 1,
  changes: Partial<PlaceOrder> = {},
): Promise<Order[]> {
  const inputs = Array.from({ length: n }, () => anOrder(shop, customer_id, changes))
  const outcomes = await placeOrders(shop.app, inputs)
  return Promise.all(
    outcomes.map((outcome) => {
      if (!outcome.ok) throw new Error(outcome.refusal.message)
      return orderNow(shop, outcome.order_id)
    }),
  )
}

/** A balance that was asked for just now, after all that is queued. */
export function asked(amount: bigint): { amount: bigint; asked_at: Date } {
  return { amount, asked_at: new Date(Date.now() + 1_000) }
}

/** Claims what is queued, with more than enough balance unless said otherwise. */
export function claim(shop: Shop, limits: Partial<ClaimLimits> = {}): Promise<Claim> {
  const enough = 10n ** 12n
  return claimOrders(shop.app, {
    provider_id: shop.provider_id,
    room: 1_000,
    balance: asked(enough),
    budget: enough,
    lease_ms: 60_000,
    after_customer: 0n,
    idempotency: 'none',
    ...limits,
  })
}

/** Places and claims one order. */
export async function claimed(shop: Shop, customer_id: bigint): Promise<Order> {
  await placed(shop, customer_id)
  const [order] = (await claim(shop)).claimed
  if (!order) throw new Error('nothing was claimed')
  return order
}

/** How the attempt of a claimed order ended. */
export function ended(order: Order, outcome: PlaceOutcome): Placement {
  return { order_id: order.id, key: order.attempt ?? '', outcome }
}

/** The provider took the order under this number, for this charge. */
export function acceptedAs(provider_order_id: string, charge?: bigint): PlaceOutcome {
  return { outcome: 'accepted', provider_order_id, charge }
}

export const TIMED_OUT: PlaceOutcome = { outcome: 'unknown', reason: 'timeout', message: 'no answer in time' }
export const REFUSED: PlaceOutcome = { outcome: 'rejected', code: 'bad_link', message: 'Bad link' }
export const NOT_SENT: PlaceOutcome = { outcome: 'rejected', code: 'not_sent', message: 'no connection' }

/** Places, claims and records one order with this outcome; by default its provider takes it under the order's own id. */
export async function dispatched(shop: Shop, customer_id: bigint, outcome?: PlaceOutcome): Promise<Order> {
  const order = await claimed(shop, customer_id)
  await recordPlacements(shop.app, [ended(order, outcome ?? acceptedAs(`p${order.id}`))])
  return orderNow(shop, order.id)
}

/** A good row about an order. */
export function told(
  status: Extract<StatusRow, { ok: true }>['status'],
  figures: Partial<Extract<StatusRow, { ok: true }>> = {},
): StatusRow {
  return {
    ok: true,
    status,
    raw_status: status,
    charge: undefined,
    currency: undefined,
    start_count: undefined,
    remains: undefined,
    ...figures,
  }
}

/** The order as it stands in the database. */
export async function orderNow(shop: Shop, id: bigint): Promise<Order> {
  const order = await findOrder(shop.app.db, id)
  if (!order) throw new Error(`no order ${id}`)
  return order
}

/** The books prove themselves: ledger, orders, and all accounts of an asset together. */
export async function expectSound(app: Pick<App, 'db'>): Promise<void> {
  expect((await verifyLedger(app.db)).problems).toEqual([])
  expect((await verifyOrders(app.db)).problems).toEqual([])
}
