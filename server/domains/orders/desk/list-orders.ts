import type { App } from '#server/platform/app.ts'
import { textArray } from '#server/platform/db/arrays.ts'
import { Conditions } from '#server/platform/db/conditions.ts'
import { statement } from '#server/platform/db/database.ts'
import { ORDER_COLUMNS, type Order, type OrderState } from '../order.ts'

/** An order with the decimal digits of what it costs. */
export type DeskOrder = Order & { cost_scale: number }

const DESK_COLUMNS = `${ORDER_COLUMNS}, (select scale from ledger.asset where code = cost_asset)::int as cost_scale`

const anyOrder = statement(`select ${DESK_COLUMNS} from orders.orders where id = $1`)

/** Any customer's order; undefined when there is none. */
export async function findDeskOrder(app: Pick<App, 'db'>, id: bigint): Promise<DeskOrder | undefined> {
  return (await app.db.query<DeskOrder>(anyOrder, [id]))[0]
}

/** More are asked for page by page. */
export const DESK_PAGE_MAX = 100

/** Counting stops here: beyond it a desk says "more than", and a count never reads a whole table of millions. */
export const COUNTED_MAX = 10_000

/** What staff look for. All that is given must hold. */
export interface OrderFilter {
  states?: readonly OrderState[] | undefined
  customer_id?: bigint | undefined
  service_id?: bigint | undefined
  provider_id?: bigint | undefined
  provider_order_id?: string | undefined
  /** Why it waits, as the order says. */
  reason?: string | undefined
  /** Placed at or after. */
  from?: Date | undefined
  /** Placed before. */
  to?: Date | undefined
}

/** The orders of all customers that pass the filter, newest first, those below the id `before` where it is given. `limit` is cut at DESK_PAGE_MAX. */
export async function listOrders(
  app: Pick<App, 'db'>,
  filter: OrderFilter,
  { before, limit }: { before?: bigint | undefined; limit: number },
): Promise<{ orders: DeskOrder[]; has_more: boolean }> {
  const page = Math.max(1, Math.min(limit, DESK_PAGE_MAX))
  const where = conditionsOf(filter)
  if (before !== undefined) where.add(`id < ${where.value(before)}`)
  const orders = await app.db.query<DeskOrder>(
    `select ${DESK_COLUMNS} from orders.orders where ${where.sql} order by id desc limit ${page + 1}`,
    where.values,
  )
  return { orders: orders.slice(0, page), has_more: orders.length > page }
}

export interface StateCount {
  state: OrderState
  orders: number
}

/** How many of the newest COUNTED_MAX orders that pass the filter are in each state; `complete` when these are all. */
export async function countOrders(
  app: Pick<App, 'db'>,
  filter: OrderFilter,
): Promise<{ counts: StateCount[]; complete: boolean }> {
  const where = conditionsOf(filter)
  const counts = await app.db.query<StateCount>(
    `select state, count(*)::int as orders
    from (select state from orders.orders where ${where.sql} order by id desc limit ${COUNTED_MAX + 1}) as newest
    group by state order by state`,
    where.values,
  )
  const counted = counts.reduce((sum, { orders }) => sum + orders, 0)
  return { counts, complete: counted <= COUNTED_MAX }
}

function conditionsOf(filter: OrderFilter): Conditions {
  const where = new Conditions()
  const { states, customer_id, service_id, provider_id, provider_order_id, reason, from, to } = filter
  if (states) where.add(`state = any(${where.value(textArray(states))}::text[])`)
  if (customer_id !== undefined) where.add(`customer_id = ${where.value(customer_id)}`)
  if (service_id !== undefined) where.add(`service_id = ${where.value(service_id)}`)
  if (provider_id !== undefined) where.add(`provider_id = ${where.value(provider_id)}`)
  if (provider_order_id !== undefined) where.add(`provider_order_id = ${where.value(provider_order_id)}`)
  if (reason !== undefined) where.add(`reason = ${where.value(reason)}`)
  if (from) where.add(`placed_at >= ${where.value(from)} and id > ${idBefore(where.value(from))}`)
  if (to) where.add(`placed_at < ${where.value(to)}`)
  return where
}

// A list reads down from the newest order and must know where a span begins, or it would read on to the first order of all when too few match. Ids are drawn in the
// transaction whose beginning is `placed_at`, and a transaction is over within a minute: an order placed two minutes earlier has a lower id.
function idBefore(moment: string): string {
  return `coalesce((select id from orders.orders where placed_at < ${moment}::timestamptz - interval '2 minutes' order by id desc limit 1), 0)`
}
