import { expect } from 'vitest'
import type { OrderRow } from '#sandbox/provider/control-views.ts'
import { resolveOrder } from '#server/domains/orders/desk/resolve-order.ts'
import { RESUBMIT_ORDERS_MAX, resubmitOrders } from '#server/domains/orders/desk/resubmit-orders.ts'
import { pollOrders } from '#server/domains/orders/following/poll-orders.ts'
import { deliveredPart, FINAL_STATES, ORDER_COLUMNS, type Order } from '#server/domains/orders/order.ts'
import { waitingOrders } from '#server/domains/orders/queries.ts'
import { parseAmount } from '#server/kit/money.ts'
import { expectSound } from './order-book.ts'
import type { Shop } from './shop.ts'

const STAFF = { kind: 'user', user_id: 1n } as const

/** Every so many orders that could be sent again staff refund instead. */
const REFUND_EACH = 10n

/** A request may lie unread at the provider for a moment after we gave it up: only then is what the provider shows the truth. */
const SETTLE_MS = 1_000

const MEMBERS = 12

/** A provider of the house, with its panel and our count of the balance there. */
type Panel = Pick<Shop, 'provider_id' | 'control' | 'prepaid'>

/** What staff did. */
export interface Desk {
  placed: number
  resent: number
  refunded: number
  refused: number
}

/**
 * One round of the people at the desk: each order whose fate is unknown is looked up at its provider by its link, and goes on, is sent again or is
 * refunded; failed ones are resubmitted or refunded. `others`: providers beside the shop's first.
 */
export async function workTheDesk(shop: Shop, desk: Desk, others: readonly Panel[] = []): Promise<void> {
  const waiting = await allWaiting(shop)
  const before = new Date(Date.now() - SETTLE_MS)
  const unknown = (await endedBefore(shop, waiting, before)).filter(({ state }) => state === 'unknown')
  const at_provider = new Map<bigint, Map<string, OrderRow>>()
  for (const panel of unknown.length > 0 ? [shop, ...others] : [])
    at_provider.set(panel.provider_id, await byLink(panel))
  await each(unknown, async (order) => {
    const found = at_provider.get(order.provider_id)?.get(order.link)
    if (!found) return sendAgainOrRefund(shop, order, desk)
    const outcome = await resolveOrder(shop.app, order.id, { kind: 'placed', provider_order_id: found.id }, STAFF)
    if (outcome.ok) desk.placed += 1
  })
  const failed = waiting.filter(({ state }) => state === 'failed')
  await each(failed.filter(isRefunded), (order) => refund(shop, order, desk))
  const again = failed.filter((order) => !isRefunded(order)).map(({ id }) => id)
  for (let at = 0; at < again.length; at += RESUBMIT_ORDERS_MAX) {
    const outcomes = await resubmitOrders(shop.app, shop.providers, again.slice(at, at + RESUBMIT_ORDERS_MAX), STAFF)
    const ok = outcomes.filter((outcome) => outcome.ok).length
    desk.resent += ok
    desk.refused += outcomes.length - ok
  }
}

/** Many members of staff at once. */
async function each(orders: readonly Order[], handle: (order: Order) => Promise<void>): Promise<void> {
  const queue = orders.values()
  const members = Array.from({ length: MEMBERS }, async () => {
    for (const order of queue) await handle(order)
  })
  await Promise.all(members)
}

async function allWaiting(shop: Shop): Promise<Order[]> {
  const all: Order[] = []
  for (;;) {
    const page = await waitingOrders(shop.app.db, ['unknown', 'failed'], all.at(-1)?.id ?? 0n, 100)
    if (page.length === 0) return all
    all.push(...page)
  }
}

async function endedBefore(shop: Shop, orders: Order[], before: Date): Promise<Order[]> {
  const rows = await shop.app.db.query<{ key: string }>('select key from orders.attempt where ended_at < $1', [before])
  const ended = new Set(rows.map(({ key }) => key))
  return orders.filter(({ attempt }) => attempt === null || ended.has(attempt))
}

async function byLink({ control }: Panel): Promise<Map<string, OrderRow>> {
  return new Map((await control.allOrders()).map((order) => [order.link, order]))
}

/** The same orders at each round, once they were tried again. */
function isRefunded(order: Order): boolean {
  return order.resubmits > 0 && order.id % REFUND_EACH === 0n
}

async function sendAgainOrRefund(shop: Shop, order: Order, desk: Desk): Promise<void> {
  if (isRefunded(order)) return refund(shop, order, desk)
  const outcome = await resolveOrder(shop.app, order.id, { kind: 'resend' }, STAFF)
  if (outcome.ok) desk.resent += 1
}

async function refund(shop: Shop, order: Order, desk: Desk): Promise<void> {
  const outcome = await resolveOrder(shop.app, order.id, { kind: 'refund' }, STAFF)
  if (outcome.ok) desk.refunded += 1
}

/** Asks about every order that has not ended, due or not, until all have; of a subscription that has it is asked for a day more, and not here. The providers must answer by now. */
export async function followToTheEnd(shop: Shop): Promise<void> {
  for (;;) {
    const rows = await shop.app.db.query<{ id: bigint; provider_id: bigint }>(
      'select id, provider_id from orders.orders where next_check_at is not null and state <> all ($1) order by id limit 1000',
      [FINAL_STATES],
    )
    if (rows.length === 0) return
    for (const [provider_id, own] of Map.groupBy(rows, (row) => row.provider_id)) {
      const ids = own.map(({ id }) => id)
      await pollOrders(shop.app, shop.providers, provider_id, ids)
    }
  }
}

/** How many orders stand in each state. */
export async function statesOf(shop: Shop): Promise<Record<string, number>> {
  const rows = await shop.app.db.query<{ state: string; n: bigint }>(
    'select state, count(*) as n from orders.orders group by state',
  )
  return Object.fromEntries(rows.map(({ state, n }) => [state, Number(n)]))
}

/**
 * Whatever happened on the way: no order is at a provider twice, nor at two; each customer's money is captured for what was delivered, released, or held for an order
 * that says why; our count of the balance with each provider is the provider's own; and the books prove themselves. To the last unit. `others`: providers beside the shop's
 * first.
 */
export async function expectReconciled(
  shop: Shop,
  customers: readonly { id: bigint; funds: bigint }[],
  others: readonly Panel[] = [],
): Promise<void> {
  const placed = new Map<string, { provider_id: bigint; row: OrderRow }>()
  for (const panel of [shop, ...others]) {
    const { provider_id, control } = panel
    const summary = await control.summary()
    expect(summary.links_ordered_more_than_once, JSON.stringify(summary.repeated_links)).toBe(0)
    const rows = await byLink(panel)
    expect(rows.size).toBe(summary.orders_accepted)
    for (const [link, row] of rows) {
      expect(placed.get(link), `${link} was ordered at two providers`).toBeUndefined()
      placed.set(link, { provider_id, row })
    }
    expect(await panel.prepaid()).toBe(parseAmount(summary.balance, 6))
  }
  const orders = await shop.app.db.query<Order>(`select ${ORDER_COLUMNS} from orders.orders order by id`)
  for (const order of orders) {
    const found = placed.get(order.link)
    expectDue(order, found?.row)
    if (found) expect(order.provider_id, `order ${order.id}`).toBe(found.provider_id)
  }
  for (const { id, funds } of customers) {
    const own = orders.filter((order) => order.customer_id === id)
    const captured = own.reduce((sum, order) => sum + order.captured, 0n)
    const held = own.reduce((sum, order) => sum + (FINAL_STATES.includes(order.state) ? 0n : order.charge), 0n)
    expect(await shop.wallet(id)).toEqual({ posted: funds - captured, held })
  }
  await expectSound(shop.app)
}

/** What became of the order's money is what became of the order. */
function expectDue(order: Order, found: OrderRow | undefined): void {
  const about = `order ${order.id}, ${order.state}, at the provider ${JSON.stringify(found)}`
  if (!FINAL_STATES.includes(order.state)) {
    expect(order.reason !== null || order.provider_order_id !== null, about).toBe(true)
    expect([order.captured, order.released], about).toEqual([0n, 0n])
    return
  }
  expect(order.captured, about).toBe(found ? capturedFor(order, found) : 0n)
  expect(order.captured + order.released, about).toBe(order.charge)
  expect(order.booked_cost, about).toBe(found ? parseAmount(found.charge, 6) : 0n)
}

function capturedFor(order: Order, { status, remains }: OrderRow): bigint | undefined {
  if (status === 'Completed') return order.charge
  if (status === 'Partial') return deliveredPart(order.charge, order.quantity, BigInt(remains))
  return status === 'Canceled' ? 0n : undefined
}
