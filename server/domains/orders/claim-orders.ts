import { newUuid } from '#server/kit/id.ts'
import { int8Array, plainArray } from '#server/platform/db/arrays.ts'
import type { Db, Tx } from '#server/platform/db/database.ts'
import { statement } from '#server/platform/db/database.ts'
import { ORDER_COLUMNS, type Order } from './order.ts'
import { type OrderChange, writeOrders } from './write-orders.ts'

/** Customers served in one claim. The next claim goes on after the last of them, so that all have their turn. */
const CUSTOMERS_MAX = 100

/** What a claim may take. Amounts in minor units of the provider's asset. */
export interface ClaimLimits {
  provider_id: bigint
  /** Orders at most. */
  room: number
  /** What the provider's balance still covers. */
  budget: bigint
  /** Whether orders that the budget does not cover fail; otherwise they stay queued, for the budget is only an estimate. */
  fail_uncovered: boolean
  /** After this the claim is given up, and what may have been sent becomes unknown. */
  lease_ms: number
  /** The customer served last. */
  after_customer: bigint
}

/** `claimed` are dispatching now, each with its attempt's key; nothing has been sent. `stopped` failed for want of balance with the provider. */
export interface Claim {
  claimed: Order[]
  stopped: number
  last_customer: bigint
  /** What the claimed orders are expected to cost. */
  cost: bigint
}

/**
 * Takes queued orders of a provider for dispatch and commits that intent, with an attempt's key each, before anything is sent. Fair: each waiting customer in
 * turn gets the same share. Orders that the budget does not cover fail with `insufficient_provider_balance`. Two callers never
 * take the same order.
 */
export async function claimOrders(db: Db, limits: ClaimLimits): Promise<Claim> {
  return db.transaction(async (tx) => {
    const customers = await nextCustomers(tx, limits)
    if (customers.length === 0) return { claimed: [], stopped: 0, last_customer: 0n, cost: 0n }
    const share = Math.ceil(limits.room / customers.length)
    const orders = await tx.query<Order>(takeFairly, [limits.provider_id, int8Array(customers), share, limits.room])
    const { covered, uncovered, cost } = spend(orders, limits.budget)
    const claimed = covered.map((order) => ({ ...order, attempt: newUuid(), attempts: order.attempts + 1 }))
    if (claimed.length > 0) markClaimed(tx, claimed, limits.lease_ms)
    const stopped = limits.fail_uncovered ? uncovered : []
    writeOrders(tx, stopped.map(asFailed))
    const last_customer = orders.reduce((last, order) => (order.customer_id > last ? order.customer_id : last), 0n)
    return { claimed, stopped: stopped.length, last_customer, cost }
  })
}

// A loose index scan: one probe a customer, however many orders each has waiting.
const waitingCustomers = statement(`
  with recursive waiting as (
    (select customer_id, 1 as n from orders.orders
      where state = 'queued' and provider_id = $1 and customer_id > $2 order by customer_id limit 1)
    union all
    (select next.customer_id, waiting.n + 1
      from waiting, lateral (select customer_id from orders.orders
        where state = 'queued' and provider_id = $1 and customer_id > waiting.customer_id order by customer_id limit 1) next
      where waiting.n < $3)
  )
  select customer_id from waiting`)

async function nextCustomers(tx: Tx, limits: ClaimLimits): Promise<bigint[]> {
  const wanted = Math.min(CUSTOMERS_MAX, limits.room)
  const select = (after: bigint, n: number) =>
    tx.query<{ customer_id: bigint }>(waitingCustomers, [limits.provider_id, after, n])
  const rows = await select(limits.after_customer, wanted)
  // Round the corner, for those at or before the one served last.
  const more = rows.length < wanted && limits.after_customer > 0n ? await select(0n, wanted - rows.length) : []
  return [...new Set([...rows, ...more].map((row) => row.customer_id))]
}

// SKIP LOCKED: another worker's claim is not waited for. The locks are on rows that only claims take, so their order does not matter.
const takeFairly = statement(`
  select taken.* from unnest($2::bigint[]) as customer (id)
  cross join lateral (
    select ${ORDER_COLUMNS} from orders.orders
    where state = 'queued' and provider_id = $1 and customer_id = customer.id
    order by id limit $3::int for no key update skip locked
  ) taken
  limit $4::int`)

function spend(orders: readonly Order[], budget: bigint): { covered: Order[]; uncovered: Order[]; cost: bigint } {
  const covered: Order[] = []
  const uncovered: Order[] = []
  let cost = 0n
  for (const order of orders) {
    if (cost + order.expected_cost > budget) uncovered.push(order)
    else {
      covered.push(order)
      cost += order.expected_cost
    }
  }
  return { covered, uncovered, cost }
}

const claim = statement(`
  update orders.orders o set state = 'dispatching', attempt = new.attempt, attempts = new.attempts, reason = null, detail = null,
    balance_check_status = 'sufficient', claimed_until = now() + make_interval(secs => $4::float8 / 1000)
  from unnest($1::bigint[], $2::uuid[], $3::smallint[]) as new (id, attempt, attempts)
  where o.id = new.id`)

const insertAttempts = statement(`
  insert into orders.attempt (key, order_id, number, provider_id, provider_service_id, provider_balance)
  select o.attempt, o.id, o.attempts, o.provider_id, o.provider_service_id, p.balance
  from orders.orders o left join providers.provider p on p.id = o.provider_id
  where o.id = any($1::bigint[])`)

function markClaimed(tx: Tx, claimed: readonly Order[], lease_ms: number): void {
  const ids = int8Array(claimed.map((order) => order.id))
  const keys = plainArray(claimed.map((order) => order.attempt))
  tx.send(claim, [ids, keys, plainArray(claimed.map((order) => order.attempts)), lease_ms])
  tx.send(insertAttempts, [ids])
}

function asFailed(order: Order): OrderChange {
  const detail = "The provider's balance does not cover the order's cost."
  return {
    before: order,
    after: {
      state: 'failed',
      reason: 'insufficient_provider_balance',
      detail,
      balance_check_status: 'insufficient',
      attempt: null,
    },
    step: { kind: 'rejected', data: { code: 'insufficient_provider_balance' } },
  }
}
