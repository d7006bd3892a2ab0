import { BusyError } from '#server/domains/identity/errors.ts'
import type { Balance } from '#server/domains/ledger/queries.ts'
import { coalesce, QueueFullError } from '#server/kit/coalesce.ts'
import { int8Column, plainArray, textArray } from '#server/platform/db/arrays.ts'
import { type Db, statement } from '#server/platform/db/database.ts'
import {
  type CustomerOrder,
  customerColumns,
  FINAL_STATES,
  type OrderState,
  statesSeenAs,
  type VisibleStatus,
} from './order.ts'
import { ORDERS_PAGE_MAX } from './queries.ts'
import { readBalances } from './read-balances.ts'

/** Queries of one kind under way at once: while one is, what is asked meanwhile gathers for the next. */
const LANES = 2
/** Reads a query, and rows for pages: bounds how long others wait for it. */
const READS_MAX = 200
const ROWS_MAX = 1_000
/** About a second of reads at full speed. */
const WAITING_MAX = 5_000

/** An order and the states it went through, oldest first. */
export interface OrderWithStates {
  order: CustomerOrder
  states: { at: Date; to_state: OrderState }[]
}

export interface OrdersPage {
  orders: CustomerOrder[]
  has_more: boolean
}

/**
 * What customers read of their own. Reads of many callers at the same moment share a query: each of its own would cost both sides more in waking each other than in
 * the reading. One a process. All throw BusyError when too many wait.
 */
export interface CustomerReads {
  /** The customer's own order; undefined when there is none of that id or it is another's. */
  order(customer_id: bigint, id: bigint): Promise<OrderWithStates | undefined>
  /** A page of the customer's orders, newest first, below the id `before`, all or those they see as `status`; and whether there are more behind it. */
  page(customer_id: bigint, before: bigint, limit: number, status?: VisibleStatus): Promise<OrdersPage>
  /**
   * The customer's wallet in minor units of SALE_ASSET: `posted` is all that is theirs, `held` the part set aside for orders under way. One who
   * never had any money has an empty one, of version 0.
   */
  balance(customer_id: bigint): Promise<Balance>
}

/** Opens the reads on a database. */
export function openCustomerReads(db: Db): CustomerReads {
  const limits = { max: READS_MAX, lanes: LANES, queue_max: WAITING_MAX }
  const order = coalesce((wanted: WantedOrder[]) => readOrders(db, wanted), limits)
  const pageLimits = { ...limits, max: ROWS_MAX, weigh: (wanted: WantedPage) => wanted.size }
  const page = coalesce((wanted: WantedPage[]) => readPages(db, wanted), pageLimits)
  const balance = coalesce((customers: bigint[]) => balancesOf(db, customers), limits)
  return {
    order: (customer_id, id) => orBusy(order({ customer_id, id })),
    page: (customer_id, before, limit, status) => {
      const wanted = { customer_id, before, size: Math.min(limit, ORDERS_PAGE_MAX) + 1 }
      return status === undefined ? orBusy(page(wanted)) : readPageSeenAs(db, wanted, status)
    },
    balance: (customer_id) => orBusy(balance(customer_id)),
  }
}

async function orBusy<T>(read: Promise<T>): Promise<T> {
  try {
    return await read
  } catch (error) {
    throw error instanceof QueueFullError ? new BusyError() : error
  }
}

interface WantedOrder {
  customer_id: bigint
  id: bigint
}

// Months before the order are not looked into.
const selectOrders = statement(`
  select wanted.place, ${customerColumns('o')}, (
    select json_agg(json_build_array(step.at, step.to_state) order by step.version) from orders.order_event step
    where step.order_id = o.id and step.at >= o.placed_at) as states
  from unnest($1::bigint[], $2::bigint[]) with ordinality as wanted (customer_id, id, place)
  join orders.orders o using (customer_id, id)`)

type OrderRow = CustomerOrder & { place: bigint; states: [string, OrderState][] | null }

async function readOrders(db: Db, wanted: WantedOrder[]): Promise<(OrderWithStates | undefined)[]> {
  const rows = await db.query<OrderRow>(selectOrders, [
    int8Column(wanted, (each) => each.customer_id),
    int8Column(wanted, (each) => each.id),
  ])
  const found: (OrderWithStates | undefined)[] = new Array(wanted.length).fill(undefined)
  for (const { place, states, ...order } of rows) {
    const steps = (states ?? []).map(([at, to_state]) => ({ at: new Date(at), to_state }))
    found[Number(place) - 1] = { order, states: steps }
  }
  return found
}

/** One page of a customer's orders. */
interface WantedPage {
  customer_id: bigint
  before: bigint
  /** One more than is shown, to know whether there are more. */
  size: number
}

const selectPages = statement(`
  select wanted.place, o.*
  from unnest($1::bigint[], $2::bigint[], $3::int[]) with ordinality as wanted (customer_id, before, size, place)
  cross join lateral (
    select ${customerColumns('o')} from orders.orders o
    where o.customer_id = wanted.customer_id and o.id < wanted.before order by o.id desc limit wanted.size
  ) as o
  order by wanted.place, o.id desc`)

async function readPages(db: Db, wanted: WantedPage[]): Promise<OrdersPage[]> {
  const rows = await db.query<CustomerOrder & { place: bigint }>(selectPages, [
    int8Column(wanted, (each) => each.customer_id),
    int8Column(wanted, (each) => each.before),
    plainArray(wanted.map((each) => each.size)),
  ])
  const pages: OrdersPage[] = wanted.map(() => ({ orders: [], has_more: false }))
  for (const row of rows) {
    const at = Number(row.place) - 1
    const page = pages[at] as OrdersPage
    if (page.orders.length + 1 < (wanted[at] as WantedPage).size) page.orders.push(row)
    else page.has_more = true
  }
  return pages
}

// What an index is for must stand in the statement itself: what is completed, which is most, needs none of its own.
const pageOf = (conditions: string) =>
  statement(`
  select ${customerColumns('o')} from orders.orders o
  where customer_id = $1 and id < $2 and ${conditions} order by id desc limit $3`)
const PAGES = {
  all: pageOf('true'),
  open: pageOf(`state not in ('completed', 'partial', 'cancelled') and state = any($4::text[])`),
  short: pageOf(`state in ('partial', 'cancelled') and state = any($4::text[])`),
  completed: pageOf(`state = 'completed' and state = any($4::text[])`),
}

/** Few filter, so that these are not gathered. */
async function readPageSeenAs(db: Db, wanted: WantedPage, status: VisibleStatus) {
  const orders = await ownOrders(db, wanted, status)
  return { orders: orders.slice(0, wanted.size - 1), has_more: orders.length === wanted.size }
}

/** Up to `size` of a customer's orders below the id `before`, newest first, all or those seen as `status`. */
export function ownOrders(
  db: Db,
  { customer_id, before, size }: WantedPage,
  status: VisibleStatus | undefined,
): Promise<CustomerOrder[]> {
  if (status === undefined) return db.query<CustomerOrder>(PAGES.all, [customer_id, before, size])
  const states = statesSeenAs(status)
  const kind = status === 'Completed' ? 'completed' : FINAL_STATES.includes(states[0] as OrderState) ? 'short' : 'open'
  return db.query<CustomerOrder>(PAGES[kind], [customer_id, before, size, textArray(states)])
}

const EMPTY: Balance = { posted: 0n, held: 0n, available: 0n, version: 0n }

async function balancesOf(db: Db, customers: bigint[]): Promise<Balance[]> {
  const found = new Map(
    (await readBalances(db, customers)).map(({ customer_id, ...balance }) => [customer_id, balance]),
  )
  return customers.map((customer_id) => found.get(customer_id) ?? EMPTY)
}
