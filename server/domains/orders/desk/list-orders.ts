import type { App } from '#server/platform/app.ts'
import { textArray } from '#server/platform/db/arrays.ts'
import { Conditions } from '#server/platform/db/conditions.ts'
import { statement } from '#server/platform/db/database.ts'
import { ORDER_COLUMNS, type Order, type OrderState } from '../order.ts'

/** An order with the decimal digits of what it costs. */
export type DeskOrder = Order & { cost_scale: number }

/** The columns of a DeskOrder, for select lists. */
export const DESK_COLUMNS = `${ORDER_COLUMNS}, (select scale from ledger.asset where code = cost_asset)::int as cost_scale`

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
  drip_feed_id?: bigint | undefined
  subscription_id?: bigint | undefined
  /** Why it waits, as the order says. */
  reason?: string | undefined
  /** Placed at or after. */
  from?: Date | undefined
  /** Placed before. */
  to?: Date | undefined
}

/** In which order they are told: by when they were placed, or those first that wait longest for a provider or for staff, and these alone. */
export const SORTS = ['newest', 'oldest', 'waiting'] as const
export type Sort = (typeof SORTS)[number]

/** Behind which order a page begins: `at` is that order's own, as the page told it. */
export interface ListPlace {
  at: string
  id: bigint
}

/** One page of a list. */
export interface ListPage {
  sort: Sort
  behind?: ListPlace | undefined
  limit: number
}

/** The orders of all customers that pass the filter, a page of them. `limit` is cut at DESK_PAGE_MAX. */
export async function listOrders(
  app: Pick<App, 'db'>,
  filter: OrderFilter,
  { sort, behind, limit }: ListPage,
): Promise<{ orders: (DeskOrder & ListPlace)[]; has_more: boolean }> {
  const page = Math.max(1, Math.min(limit, DESK_PAGE_MAX))
  const { sql, values } = listQuery(DESK_COLUMNS, filter, { sort, behind, limit: page + 1 })
  const orders = await app.db.query<DeskOrder & ListPlace>(sql, values)
  return { orders: orders.slice(0, page), has_more: orders.length > page }
}

/**
 * The statement of a list, with `at` beside its columns. Made for its filters, so that it is planned for their values. It is told in the order in which the index that fits best has them.
 */
export function listQuery(
  columns: string,
  filter: OrderFilter,
  { sort, behind, limit }: ListPage,
): { sql: string; values: unknown[] } {
  const where = conditionsOf(filter)
  const by_time = sort === 'waiting' || isByTime(filter)
  const time = sort === 'waiting' ? 'waiting_since' : 'placed_at'
  const keys = by_time ? [time, 'id'] : ['id']
  const [way, further] = sort === 'newest' ? ['desc', '<'] : ['asc', '>']
  if (sort === 'waiting') where.add(`state in ('queued', 'unknown', 'failed')`)
  if (behind) {
    const values = by_time
      ? [`${where.value(behind.at)}::timestamptz`, where.value(behind.id)]
      : [where.value(behind.id)]
    where.add(`(${keys.join(', ')}) ${further} (${values.join(', ')})`)
  }
  const sql = `select ${columns}, to_json(${time}) #>> '{}' as at from orders.orders where ${where.sql}
    order by ${keys.map((key) => `${key} ${way}`).join(', ')} limit ${limit}`
  return { sql, values: where.values }
}

/**
 * A customer's orders, and those of a state, are kept by their numbers, which say what is newer too; those of a service, a provider or a span of time by when they were placed. Of two
 * orders taken at the same moment either may be called the newer.
 */
function isByTime({ customer_id, service_id, provider_id, from, to }: OrderFilter): boolean {
  if (customer_id !== undefined) return false
  return [service_id, provider_id, from, to].some((each) => each !== undefined)
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
    from (select state from orders.orders where ${where.sql}
      order by ${isByTime(filter) ? 'placed_at desc, ' : ''}id desc limit ${COUNTED_MAX + 1}) as newest
    group by state order by state`,
    where.values,
  )
  const counted = counts.reduce((sum, { orders }) => sum + orders, 0)
  return { counts, complete: counted <= COUNTED_MAX }
}

function conditionsOf(filter: OrderFilter): Conditions {
  const where = new Conditions()
  const { states, customer_id, service_id, provider_id, provider_order_id, drip_feed_id, reason, from, to } = filter
  if (states) where.add(`state = any(${where.value(textArray(states))}::text[])`)
  if (customer_id !== undefined) where.add(`customer_id = ${where.value(customer_id)}`)
  if (service_id !== undefined) where.add(`service_id = ${where.value(service_id)}`)
  if (provider_id !== undefined) where.add(`provider_id = ${where.value(provider_id)}`)
  // The index of providers' numbers begins with the provider: a probe for each of a handful.
  if (provider_order_id !== undefined) {
    where.add(
      `provider_order_id = ${where.value(provider_order_id)} and provider_id = any(array(select id from providers.provider))`,
    )
  }
  if (drip_feed_id !== undefined) where.add(`drip_feed_id = ${where.value(drip_feed_id)}`)
  const { subscription_id } = filter
  if (subscription_id !== undefined) where.add(`subscription_id = ${where.value(subscription_id)}`)
  if (reason !== undefined) where.add(`reason = ${where.value(reason)}`)
  if (from) where.add(`placed_at >= ${where.value(from)}`)
  if (to) where.add(`placed_at < ${where.value(to)}`)
  return where
}
