import type { ProviderRow } from '#server/domains/providers/provider-row.ts'
import { newUuid } from '#server/kit/id.ts'
import type { App } from '#server/platform/app.ts'
import { int8Array } from '#server/platform/db/arrays.ts'
import type { Tx } from '#server/platform/db/database.ts'
import { statement } from '#server/platform/db/database.ts'
import { ORDER_COLUMNS, type Order } from '../order.ts'
import { type OrderChange, writeOrders } from '../write-orders.ts'
import { type CostedOrder, isTooDear, todaysCosts } from './todays-costs.ts'

/** Customers served in one claim. The next claim goes on after the last of them, so that all have their turn. */
const CUSTOMERS_MAX = 100

/** What a claim may take. Amounts in minor units of the provider's asset. */
export interface ClaimLimits {
  provider_id: bigint
  /** Orders at most. */
  room: number
  /**
   * The provider's balance as it was when it was asked. What costs more than all of it fails, unless it was queued since: staff send again what failed when they have just paid in, and
   * an older figure says nothing about that. When it is not known, nothing fails.
   */
  balance: { amount: bigint; asked_at: Date } | undefined
  /** What of it is not yet spoken for. What costs more than is left waits until the balance is read again. */
  budget: bigint
  /** After this the claim is given up, and what may have been sent becomes unknown. */
  lease_ms: number
  /** The customer served last. */
  after_customer: bigint
  /** What the provider is said to do with the same order sent twice, by the settings with which the orders are sent. */
  idempotency: ProviderRow['idempotency']
}

/** `claimed` are dispatching now, each with its attempt's key; nothing has been sent. */
export interface Claim {
  claimed: Order[]
  /** How many failed: the provider's balance does not cover them, or they cost more today than they were sold for. */
  stopped: number
  last_customer: bigint
}

/**
 * Takes queued orders of a provider for dispatch and commits that intent, with an attempt's key each, before anything is sent. Fair: each waiting customer in
 * turn gets the same share. Two callers never take the same order. What would be sent at a loss, as the catalogue stands now, fails instead.
 */
export async function claimOrders(app: App, limits: ClaimLimits): Promise<Claim> {
  const claimed_until = new Date(app.clock.now().getTime() + limits.lease_ms)
  return app.db.transaction(async (tx) => {
    const customers = await nextCustomers(tx, limits)
    const last_customer = customers.at(-1)
    if (last_customer === undefined) return { claimed: [], stopped: 0, last_customer: limits.after_customer }
    const share = Math.floor(limits.room / customers.length)
    const orders = await tx.query<Order>(takeFairly, [limits.provider_id, int8Array(customers), share])
    const { too_dear, covered, uncovered } = spend(await todaysCosts(tx, orders), limits)
    const claims = covered.map((each) => asClaimed(each, claimed_until))
    const stopped = [...too_dear.map(asTooDear), ...uncovered.map(asUncovered)]
    await writeOrders(app.db, tx, [...claims, ...stopped])
    if (claims.length > 0)
      tx.send(insertAttempts, [int8Array(covered.map(({ order }) => order.id)), limits.idempotency])
    const claimed = claims.map(({ before, after }) => ({ ...before, ...after }))
    return { claimed, stopped: stopped.length, last_customer }
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

// SKIP LOCKED: another worker's claim is not waited for.
const takeFairly = statement(`
  select taken.* from unnest($2::bigint[]) as customer (id)
  cross join lateral (
    select ${ORDER_COLUMNS} from orders.orders
    where state = 'queued' and provider_id = $1 and customer_id = customer.id
    order by id limit $3::int for no key update skip locked
  ) taken`)

interface Spent {
  too_dear: CostedOrder[]
  covered: CostedOrder[]
  uncovered: CostedOrder[]
}

function spend(orders: readonly CostedOrder[], limits: ClaimLimits): Spent {
  const too_dear = orders.filter(isTooDear)
  const sendable = orders.filter((each) => !isTooDear(each))
  const covered: CostedOrder[] = []
  let left = limits.budget
  for (const each of sendable) {
    if (each.expected_cost > left) continue
    covered.push(each)
    left -= each.expected_cost
  }
  const { balance } = limits
  const uncovered =
    balance === undefined
      ? []
      : sendable.filter((each) => each.expected_cost > balance.amount && queuedAt(each.order) < balance.asked_at)
  return { too_dear, covered, uncovered }
}

/** Since when the order waits to be sent. */
function queuedAt({ placed_at, last_resubmit_at }: Order): Date {
  return last_resubmit_at ?? placed_at
}

function asClaimed({ order, expected_cost }: CostedOrder, claimed_until: Date) {
  const attempts = order.attempts + 1
  return {
    before: order,
    after: {
      state: 'dispatching',
      reason: null,
      detail: null,
      expected_cost,
      balance_check_status: 'sufficient',
      attempt: newUuid(),
      attempts,
      claimed_until,
    },
    step: { kind: 'sent', data: { attempt: attempts } },
  } satisfies OrderChange
}

function asTooDear({ order, expected_cost, loss = '' }: CostedOrder): OrderChange {
  const code = 'cost_above_price'
  return {
    before: order,
    after: { state: 'failed', reason: code, detail: loss, attempt: null },
    step: { kind: 'rejected', data: { code, expected_cost: String(expected_cost) } },
  }
}

function asUncovered({ order }: CostedOrder): OrderChange {
  const code = 'insufficient_provider_balance'
  const detail = "The provider's balance does not cover the order's cost."
  return {
    before: order,
    after: { state: 'failed', reason: code, detail, balance_check_status: 'insufficient', attempt: null },
    step: { kind: 'rejected', data: { code } },
  }
}

const insertAttempts = statement(`
  insert into orders.attempt (key, order_id, number, provider_id, provider_service_id, provider_balance, provider_balance_at, idempotency)
  select o.attempt, o.id, o.attempts, o.provider_id, o.provider_service_id, p.balance, p.balance_read_at, $2
  from orders.orders o left join providers.provider p on p.id = o.provider_id
  where o.id = any($1::bigint[])`)
