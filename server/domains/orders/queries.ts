import { int8Array } from '#server/platform/db/arrays.ts'
import { type Db, statement } from '#server/platform/db/database.ts'
import { type CustomerOrder, customerColumns, ORDER_COLUMNS, type Order, type OrderState } from './order.ts'
import type { FormerCost } from './order-change.ts'

/** One page of orders. */
export const ORDERS_PAGE_MAX = 100

const ordersOfCustomer = statement(`
  select ${customerColumns('o')} from orders.orders o where customer_id = $1 and id = any($2::bigint[])`)

/** The customer's own orders among `ids`, by id. Another's order is absent, as if it were not. */
export async function findOrders(
  db: Pick<Db, 'query'>,
  customer_id: bigint,
  ids: readonly bigint[],
): Promise<Map<bigint, CustomerOrder>> {
  const rows = await db.query<CustomerOrder>(ordersOfCustomer, [customer_id, int8Array(ids)])
  return new Map(rows.map((row) => [row.id, row]))
}

const anyOrder = statement(`select ${ORDER_COLUMNS} from orders.orders where id = $1`)

/** Any customer's order, for staff. */
export async function findOrder(db: Db, id: bigint): Promise<Order | undefined> {
  return (await db.query<Order>(anyOrder, [id]))[0]
}

const queued = statement(`select id from orders.orders where id = any($1::bigint[]) and state = 'queued'`)

/** Those of the orders that wait for a worker to send them. */
export async function queuedAmong(db: Db, ids: readonly bigint[]): Promise<Set<bigint>> {
  return new Set((await db.query<{ id: bigint }>(queued, [int8Array(ids)])).map(({ id }) => id))
}

/** One step of an order's history. */
export interface OrderStep {
  version: bigint
  at: Date
  kind: string
  from_state: OrderState | null
  to_state: OrderState
  actor: string
  data: Record<string, unknown> | null
}

const steps = statement(`
  select version, at, kind, from_state, to_state, actor, data from orders.order_event
  -- Months before the order are not looked into.
  where order_id = $1 and at >= (select placed_at from orders.orders where id = $1) order by version`)

/** The order's whole history, oldest first. */
export function historyOf(db: Db, order_id: bigint): Promise<OrderStep[]> {
  return db.query<OrderStep>(steps, [order_id])
}

/** One sending of an order to a provider. */
export interface Attempt {
  key: string
  number: number
  provider_id: bigint
  state: 'sent' | 'accepted' | 'rejected' | 'unknown'
  code: string | null
  message: string | null
  provider_order_id: string | null
  provider_service_id: string
  /** Minor units of the provider's asset, of `scale` decimal digits. */
  provider_balance: bigint | null
  scale: number
  /** How often the same was sent again under its key. */
  repeats: number
  started_at: Date
  ended_at: Date | null
}

const attempts = statement(`
  select a.key, a.number, a.provider_id, a.provider_service_id, a.state, a.code, a.message, a.provider_order_id, a.provider_balance,
    asset.scale::int as scale, a.repeats, a.started_at, a.ended_at
  from orders.attempt a join providers.provider p on p.id = a.provider_id join ledger.asset on asset.code = p.currency
  where a.order_id = $1 order by a.number`)

/** Every time the order was sent, or was about to be, oldest first. */
export function attemptsOf(db: Db, order_id: bigint): Promise<Attempt[]> {
  return db.query<Attempt>(attempts, [order_id])
}

const formerCosts = statement(`
  select f.provider_id, f.asset, f.cost, asset.scale::int as scale from orders.former_cost f join ledger.asset on asset.code = f.asset
  where f.order_id = $1 order by f.provider_id`)

/** What the order cost at providers that it has left, in minor units of `scale` decimal digits. */
export function formerCostsOf(db: Db, order_id: bigint): Promise<(FormerCost & { scale: number })[]> {
  return db.query<FormerCost & { scale: number }>(formerCosts, [order_id])
}

const waiting = statement(`
  select ${ORDER_COLUMNS} from orders.orders where state = any($1::text[]) and id > $2 order by id limit $3`)

/** Orders that wait for a person, oldest first, above the id `after`. */
export function waitingOrders(
  db: Db,
  states: readonly ('unknown' | 'failed')[],
  after: bigint,
  limit: number,
): Promise<Order[]> {
  return db.query<Order>(waiting, [states, after, Math.min(limit, ORDERS_PAGE_MAX)])
}

/** More providers than any business has. */
const PROVIDERS_MAX = 1_000

// A probe a provider. EXISTS might be answered by hashing all that is queued, on each wake.
const withWork = statement(`
  select p.id, queued.yes is not null as queued, due.yes is not null as due
  from providers.provider p
  left join lateral (select true as yes from orders.orders o where o.provider_id = p.id and o.state = 'queued' limit 1) queued on true
  left join lateral (select true as yes from orders.orders o where o.provider_id = p.id and o.next_check_at <= now() limit 1) due on true
  where queued.yes is not null or due.yes is not null order by p.id limit $1`)

/** The providers for which orders are queued, or due to be asked about. */
export function providersWithWork(db: Db): Promise<{ id: bigint; queued: boolean; due: boolean }[]> {
  return db.query(withWork, [PROVIDERS_MAX])
}
