import { beginTrials } from '#server/domains/catalog/sources/begin-trials.ts'
import type { Quarantine } from '#server/domains/catalog/sources/source.ts'
import type { ProviderRow } from '#server/domains/providers/provider-row.ts'
import { newUuid } from '#server/kit/id.ts'
import type { App } from '#server/platform/app.ts'
import { int8Array, plainArray, textArray } from '#server/platform/db/arrays.ts'
import type { Tx } from '#server/platform/db/database.ts'
import { statement } from '#server/platform/db/database.ts'
import { ORDER_COLUMNS, type Order } from '../order.ts'
import type { OrderChange } from '../order-change.ts'
import { rerouted } from '../routing/rerouted.ts'
import { openRouter, type Route, type Router } from '../routing/router.ts'
import { triedSources } from '../routing/tried-sources.ts'
import { writeOrders } from '../write-orders.ts'
import { type CostedOrder, isTooDear, todaysCosts } from './todays-costs.ts'

/** Customers served in one claim. The next claim goes on after the last of them, so that all have their turn. */
const CUSTOMERS_MAX = 100

/** Orders of a source among which the one for its trial is sought: the first that our balance covers and that is no loss. */
const CANDIDATES_MAX = 10

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
  /** How many are not sent: the provider's balance does not cover them, or they cost more today than they were sold for. They went to another source, or failed. */
  stopped: number
  last_customer: bigint
}

/**
 * Takes queued orders of a provider for dispatch and commits that intent, with an attempt's key each, before anything is sent. Fair: each waiting customer in
 * turn gets the same share. What is in quarantine there waits, but for one order as a trial when the quarantine has run out. Two callers never take the same order. What would
 * be sent at a loss, as the catalogue stands now, goes elsewhere or fails.
 */
export async function claimOrders(app: App, limits: ClaimLimits): Promise<Claim> {
  const now = app.clock.now()
  const claimed_until = new Date(now.getTime() + limits.lease_ms)
  const router = await openRouter(app)
  return app.db.transaction(async (tx) => {
    const { held, due } = router.heldAt(limits.provider_id)
    const without = textArray(held.map((each) => each.provider_service_id))
    const candidates = due.length === 0 ? [] : await takeCandidates(tx, limits.provider_id, due, now)
    const customers = await nextCustomers(tx, limits, without)
    const last_customer = customers.at(-1) ?? limits.after_customer
    if (customers.length + candidates.length === 0) return { claimed: [], stopped: 0, last_customer }
    const share = Math.floor(limits.room / Math.max(1, customers.length))
    const taken = await tx.query<Order>(takeFairly, [limits.provider_id, int8Array(customers), share, without])
    const costed = await todaysCosts(tx, [...candidates, ...taken])
    const { too_dear, covered, uncovered } = spend(costed, limits, due)
    const sent = await onTrial(tx, covered, due, { now, until: claimed_until })
    const claims = sent.map((each) => asClaimed(each, claimed_until))
    const stopped = await stopOrMove(tx, router, [...too_dear.map(asTooDear), ...uncovered.map(asUncovered)])
    await writeOrders(app.db, tx, [...claims, ...stopped.map(({ change }) => change)])
    if (claims.length > 0) tx.send(insertAttempts, [int8Array(sent.map(({ order }) => order.id)), limits.idempotency])
    insertMoved(tx, stopped)
    const claimed = claims.map(({ before, after }) => ({ ...before, ...after }))
    return { claimed, stopped: stopped.length, last_customer }
  })
}

// The first that wait, whoever's. While a trial is under way its source is left alone.
const firstOf = statement(`
  select taken.* from unnest($2::bigint[], $3::text[]) as due (service_id, provider_service_id)
  join catalog.quarantine q on q.service_id = due.service_id and q.released_at is null and (q.trial_until is null or q.trial_until <= $4)
  cross join lateral (
    select ${ORDER_COLUMNS} from orders.orders
    where state = 'queued' and provider_id = $1 and provider_service_id = due.provider_service_id
    order by customer_id, id limit ${CANDIDATES_MAX} for no key update skip locked
  ) taken`)

/** Orders for a trial of each source whose quarantine has run out and that nobody tries yet. */
function takeCandidates(tx: Tx, provider_id: bigint, due: readonly Quarantine[], now: Date): Promise<Order[]> {
  return tx.query<Order>(firstOf, [
    provider_id,
    int8Array(due.map((each) => each.service_id)),
    textArray(due.map((each) => each.provider_service_id)),
    now,
  ])
}

// Held against a list that it does not know the planner expects next to no order to pass, and would rather sort all that wait than walk down their index to the first.
const NOT_AMONG = 'case when provider_service_id = any($4::text[]) then false else true end'

// A loose index scan: one probe a customer, however many orders each has waiting.
const waitingCustomers = statement(`
  with recursive waiting as (
    (select customer_id, 1 as n from orders.orders
      where state = 'queued' and provider_id = $1 and customer_id > $2 and ${NOT_AMONG}
      order by customer_id limit 1)
    union all
    (select next.customer_id, waiting.n + 1
      from waiting, lateral (select customer_id from orders.orders
        where state = 'queued' and provider_id = $1 and customer_id > waiting.customer_id and ${NOT_AMONG}
        order by customer_id limit 1) next
      where waiting.n < $3)
  )
  select customer_id from waiting`)

async function nextCustomers(tx: Tx, limits: ClaimLimits, without: string): Promise<bigint[]> {
  const wanted = Math.min(CUSTOMERS_MAX, limits.room)
  const select = (after: bigint, n: number) =>
    tx.query<{ customer_id: bigint }>(waitingCustomers, [limits.provider_id, after, n, without])
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
    where state = 'queued' and provider_id = $1 and customer_id = customer.id and ${NOT_AMONG}
    order by id limit $3::int for no key update skip locked
  ) taken`)

interface Spent {
  too_dear: CostedOrder[]
  covered: CostedOrder[]
  uncovered: CostedOrder[]
}

/** Of what is `due` for a trial one order is covered, and no more. */
function spend(orders: readonly CostedOrder[], limits: ClaimLimits, due: readonly Quarantine[]): Spent {
  const too_dear = orders.filter(isTooDear)
  const sendable = orders.filter((each) => !isTooDear(each))
  const covered: CostedOrder[] = []
  const untried = new Set(due.map((each) => each.provider_service_id))
  const on_trial = new Set<string>()
  let left = limits.budget
  for (const each of sendable) {
    const { provider_service_id } = each.order
    if (covered.length === limits.room || each.expected_cost > left || on_trial.has(provider_service_id)) continue
    covered.push(each)
    left -= each.expected_cost
    if (untried.has(provider_service_id)) on_trial.add(provider_service_id)
  }
  const { balance } = limits
  const uncovered =
    balance === undefined
      ? []
      : sendable.filter((each) => each.expected_cost > balance.amount && queuedAt(each.order) < balance.asked_at)
  return { too_dear, covered, uncovered }
}

/** What is really sent: a trial is begun only when its order is sure to go, and by one of many workers. */
async function onTrial(
  tx: Tx,
  covered: readonly CostedOrder[],
  due: readonly Quarantine[],
  times: { now: Date; until: Date },
): Promise<readonly CostedOrder[]> {
  const trials = new Map(due.map((each) => [each.provider_service_id, each.service_id]))
  const wanted = covered.flatMap(({ order }) => trials.get(order.provider_service_id) ?? [])
  if (wanted.length === 0) return covered
  const begun = new Set(await beginTrials(tx, wanted, times))
  return covered.filter(({ order }) => {
    const trial = trials.get(order.provider_service_id)
    return trial === undefined || begun.has(trial)
  })
}

/** Since when the order waits to be sent. */
function queuedAt({ placed_at, last_resubmit_at, not_before }: Order): Date {
  return last_resubmit_at ?? not_before ?? placed_at
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

/** What the house refuses to send to this source, and why. */
interface Stop {
  code: 'cost_above_price' | 'insufficient_provider_balance'
  /** Today's, by which that was decided. */
  expected_cost: bigint
  change: OrderChange
}

function asTooDear({ order, expected_cost, loss = '' }: CostedOrder): Stop {
  const code = 'cost_above_price'
  const change: OrderChange = {
    before: order,
    after: { state: 'failed', reason: code, detail: loss, attempt: null },
    step: { kind: 'rejected', data: { code, expected_cost: String(expected_cost) } },
  }
  return { code, expected_cost, change }
}

function asUncovered({ order, expected_cost }: CostedOrder): Stop {
  const code = 'insufficient_provider_balance'
  const detail = "The provider's balance does not cover the order's cost."
  const change: OrderChange = {
    before: order,
    after: { state: 'failed', reason: code, detail, balance_check_status: 'insufficient', attempt: null },
    step: { kind: 'rejected', data: { code } },
  }
  return { code, expected_cost, change }
}

interface Stopped {
  change: OrderChange
  /** The refused try that it counts as where it goes elsewhere, so that it does not come back here. */
  attempt: { key: string; number: number; expected_cost: bigint; code: string; message: string } | undefined
}

/** What is not sent here goes to another source, where there is one; the rest fails. */
async function stopOrMove(tx: Tx, router: Router, stops: readonly Stop[]): Promise<Stopped[]> {
  const movable = stops.filter(({ change }) => router.hasOthers(change.before.service_id))
  const tried = await triedSources(
    tx,
    movable.map(({ change }) => change.before.id),
  )
  const next = new Map(movable.map(({ change: { before } }) => [before.id, router.next(before, tried(before.id))]))
  return stops.map((stop) => {
    const route = next.get(stop.change.before.id)
    return route ? asMoved(stop, route) : { change: stop.change, attempt: undefined }
  })
}

function asMoved({ code, expected_cost, change: { before, after } }: Stop, next: Route): Stopped {
  const number = before.attempts + 1
  const moved = rerouted(before, next, { code, attempt: number, expected_cost: String(expected_cost) })
  return {
    change: { ...moved, after: { ...moved.after, attempts: number } },
    attempt: { key: newUuid(), number, expected_cost, code, message: after.detail ?? code },
  }
}

const insertAttempts = statement(`
  insert into orders.attempt (key, order_id, number, provider_id, provider_service_id, provider_balance, provider_balance_at, idempotency,
    expected_cost)
  select o.attempt, o.id, o.attempts, o.provider_id, o.provider_service_id, p.balance, p.balance_read_at, $2, o.expected_cost
  from orders.orders o left join providers.provider p on p.id = o.provider_id
  where o.id = any($1::bigint[])`)

const insertRefused = statement(`
  insert into orders.attempt (key, order_id, number, provider_id, provider_service_id, expected_cost, code, message, provider_balance, state,
    ended_at)
  select new.*, p.balance, 'rejected', now()
  from (select unnest($1::uuid[]), unnest($2::bigint[]), unnest($3::smallint[]), unnest($4::bigint[]), unnest($5::text[]),
    unnest($6::bigint[]), unnest($7::text[]), unnest($8::text[]))
    as new (key, order_id, number, provider_id, provider_service_id, expected_cost, code, message)
  left join providers.provider p on p.id = new.provider_id`)

function insertMoved(tx: Tx, stopped: readonly Stopped[]): void {
  const moved = stopped.flatMap(({ change, attempt }) => (attempt ? [{ order: change.before, ...attempt }] : []))
  if (moved.length === 0) return
  tx.send(insertRefused, [
    plainArray(moved.map((each) => each.key)),
    int8Array(moved.map(({ order }) => order.id)),
    plainArray(moved.map((each) => each.number)),
    int8Array(moved.map(({ order }) => order.provider_id)),
    textArray(moved.map(({ order }) => order.provider_service_id)),
    int8Array(moved.map((each) => each.expected_cost)),
    textArray(moved.map((each) => each.code)),
    textArray(moved.map((each) => each.message)),
  ])
}
