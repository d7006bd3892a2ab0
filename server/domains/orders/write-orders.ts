import { dateArray, int8Array, jsonArray, plainArray, textArray } from '#server/platform/db/arrays.ts'
import { type Db, statement, type Tx } from '#server/platform/db/database.ts'
import { emitOrders } from './emit-orders.ts'
import type { OrderStepTold } from './events.ts'
import { type GivenBack, giveBack } from './limits/give-back.ts'
import { moveMoney } from './move-money.ts'
import { FINAL_STATES, OPEN_STATES, ORDER_COLUMNS, type Order, type OrderState, visibleStatus } from './order.ts'
import { leavesProvider, type OrderChange, STEP_EVENTS } from './order-change.ts'
import { shownOf } from './order-views.ts'

// Order-like rows are locked first, then accounts, then holds; each sorted by id.
const lockById = statement(`
  select ${ORDER_COLUMNS} from orders.orders where id = any($1::bigint[]) order by id for no key update`)

const lockOwn = statement(`
  select ${ORDER_COLUMNS} from orders.orders where id = any($1::bigint[]) and customer_id = $2 order by id for no key update`)

/** Locks orders until the transaction ends; unknown ids are absent. Where an owner is named, orders of others are absent too, and neither locked nor waited for. */
export async function lockOrders(tx: Tx, ids: readonly bigint[], owner?: bigint): Promise<Map<bigint, Order>> {
  const rows =
    owner === undefined
      ? await tx.query<Order>(lockById, [int8Array(ids)])
      : await tx.query<Order>(lockOwn, [int8Array(ids), owner])
  return new Map(rows.map((row) => [row.id, row]))
}

const update = statement(`
  update orders.orders o set state = new.state, reason = new.reason, detail = new.detail, provider_order_id = new.provider_order_id,
    provider_status = new.provider_status, balance_check_status = new.balance_check_status, attempt = new.attempt,
    booked_cost = new.booked_cost, sunk_cost = new.sunk_cost, captured = new.captured, released = new.released,
    start_count = new.start_count, remains = new.remains, version = new.version, attempts = new.attempts,
    resubmits = new.resubmits, failed_checks = new.failed_checks, accepted_at = new.accepted_at, checked_at = new.checked_at,
    next_check_at = new.next_check_at, claimed_until = new.claimed_until, last_resubmit_at = new.last_resubmit_at,
    expected_cost = new.expected_cost, accepted_cost = new.accepted_cost, refunded = new.refunded,
    finished_at = case when new.state in ('completed', 'partial', 'cancelled') then coalesce(o.finished_at, now()) end,
    waiting_since = case when new.state in ('queued', 'dispatching', 'unknown', 'failed') then coalesce(o.waiting_since, now()) end
  from (select unnest($1::bigint[]) as id, unnest($2::text[]) as state, unnest($3::text[]) as reason, unnest($4::text[]) as detail,
    unnest($5::text[]) as provider_order_id, unnest($6::text[]) as provider_status, unnest($7::text[]) as balance_check_status,
    unnest($8::uuid[]) as attempt, unnest($9::bigint[]) as booked_cost, unnest($10::bigint[]) as sunk_cost,
    unnest($11::bigint[]) as captured, unnest($12::bigint[]) as released, unnest($13::bigint[]) as start_count,
    unnest($14::bigint[]) as remains, unnest($15::bigint[]) as version, unnest($16::smallint[]) as attempts,
    unnest($17::smallint[]) as resubmits, unnest($18::smallint[]) as failed_checks, unnest($19::timestamptz[]) as accepted_at,
    unnest($20::timestamptz[]) as checked_at, unnest($21::timestamptz[]) as next_check_at,
    unnest($22::timestamptz[]) as claimed_until, unnest($23::timestamptz[]) as last_resubmit_at,
    unnest($24::bigint[]) as expected_cost, unnest($25::bigint[]) as accepted_cost, unnest($26::bigint[]) as refunded) as new
  where o.id = new.id`)

const updateSources = statement(`
  update orders.orders o set provider_id = new.provider_id, provider_service_id = new.provider_service_id, cost_asset = new.cost_asset
  from unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[]) as new (id, provider_id, provider_service_id, cost_asset)
  where o.id = new.id`)

const addFormerCosts = statement(`
  insert into orders.former_cost (order_id, provider_id, asset, cost)
  select * from unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[])
  on conflict (order_id, provider_id) do update set cost = former_cost.cost + excluded.cost`)

const insertEvents = statement(`
  insert into orders.order_event (order_id, version, kind, from_state, to_state, actor, data)
  select unnest($1::bigint[]), unnest($2::bigint[]), unnest($3::text[]), unnest($4::text[]), unnest($5::text[]), unnest($6::text[]),
    unnest($7::jsonb[])`)

/**
 * Writes changed orders, the money that each change means, their history and their events: the one place that updates orders, but for the times of
 * polling. Each change makes the version grow by one, so an order is changed once in a call. The writes are sent, not awaited.
 */
export async function writeOrders(db: Db, tx: Tx, changes: readonly OrderChange[]): Promise<void> {
  if (changes.length === 0) return
  await moveMoney(db, tx, changes)
  recordChanges(tx, changes)
}

/** Writes changed orders whose money has been moved already, by the posting of which it is a part: for what `moveMoney` cannot know beforehand. Sent, not awaited. */
export function recordChanges(tx: Tx, changes: readonly OrderChange[]): void {
  if (changes.length === 0) return
  giveBack(tx, changes.flatMap(givenBack))
  const rows = changes.map(rowAfter)
  tx.send(update, [
    int8Array(rows.map((row) => row.id)),
    ...(['state', 'reason', 'detail', 'provider_order_id', 'provider_status', 'balance_check_status'] as const).map(
      (name) => textArray(rows.map((row) => row[name])),
    ),
    plainArray(rows.map((row) => row.attempt)),
    ...(['booked_cost', 'sunk_cost', 'captured', 'released', 'start_count', 'remains', 'version'] as const).map(
      (name) => int8Array(rows.map((row) => row[name])),
    ),
    ...(['attempts', 'resubmits', 'failed_checks'] as const).map((name) => plainArray(rows.map((row) => row[name]))),
    ...(['accepted_at', 'checked_at', 'next_check_at', 'claimed_until', 'last_resubmit_at'] as const).map((name) =>
      dateArray(rows.map((row) => row[name])),
    ),
    int8Array(rows.map((row) => row.expected_cost)),
    int8Array(rows.map((row) => row.accepted_cost)),
    int8Array(rows.map((row) => row.refunded)),
  ])
  writeSources(tx, changes, rows)
  const steps = changes.flatMap(({ before, step }, i) =>
    step ? [{ step, before: before.state, row: rows[i] as Order }] : [],
  )
  if (steps.length > 0) tellSteps(tx, steps)
}

/** A few of many: kept out of the update that each step of each order makes. */
function writeSources(tx: Tx, changes: readonly OrderChange[], rows: readonly Order[]): void {
  const moved = rows.filter((row, i) => {
    const before = changes[i]?.before
    return row.provider_id !== before?.provider_id || row.provider_service_id !== before.provider_service_id
  })
  if (moved.length > 0) {
    tx.send(updateSources, [
      int8Array(moved.map((row) => row.id)),
      int8Array(moved.map((row) => row.provider_id)),
      textArray(moved.map((row) => row.provider_service_id)),
      textArray(moved.map((row) => row.cost_asset)),
    ])
  }
  const costs = changes.flatMap((change) => {
    const { before } = change
    const left = leavesProvider(change) && before.booked_cost > 0n
    const own = { provider_id: before.provider_id, asset: before.cost_asset, cost: before.booked_cost }
    return [...(left ? [own] : []), ...(change.paid_elsewhere ? [change.paid_elsewhere] : [])].map((cost) => ({
      order_id: before.id,
      ...cost,
    }))
  })
  if (costs.length > 0) {
    tx.send(addFormerCosts, [
      int8Array(costs.map((each) => each.order_id)),
      int8Array(costs.map((each) => each.provider_id)),
      textArray(costs.map((each) => each.asset)),
      int8Array(costs.map((each) => each.cost)),
    ])
  }
}

/** What a change gives back to its customer's limits. */
function givenBack({ before, after }: OrderChange): GivenBack[] {
  const { customer_id, key_id, placed_at } = before
  const released = (after.released ?? before.released) - before.released
  const ended = FINAL_STATES.includes(after.state ?? before.state) && !FINAL_STATES.includes(before.state)
  if (released === 0n && !ended) return []
  return [{ customer_id, key_id, placed_at, released, ended, cancelled: ended && after.state === 'cancelled' }]
}

/** A claim ends with its state; a check is due in the states that have one. */
function rowAfter({ before, after }: OrderChange): Order {
  const row = { ...before, ...after, version: before.version + 1n }
  const followed = OPEN_STATES.includes(row.state) || FINAL_STATES.includes(row.state)
  return {
    ...row,
    next_check_at: followed ? row.next_check_at : null,
    claimed_until: row.state === 'dispatching' ? row.claimed_until : null,
  }
}

interface Told {
  step: NonNullable<OrderChange['step']>
  before: OrderState
  row: Order
}

function tellSteps(tx: Tx, steps: readonly Told[]): void {
  tx.send(insertEvents, [
    int8Array(steps.map(({ row }) => row.id)),
    int8Array(steps.map(({ row }) => row.version)),
    textArray(steps.map(({ step }) => step.kind)),
    textArray(steps.map(({ before }) => before)),
    textArray(steps.map(({ row }) => row.state)),
    textArray(steps.map(({ step }) => step.actor ?? 'system')),
    jsonArray(steps.map(({ step }) => step.data)),
  ])
  for (const [kind, told] of Map.groupBy(steps, ({ step }) => step.kind)) {
    const event = STEP_EVENTS[kind]
    if (event) emitOrders(tx, event, told.map(toldOf))
  }
}

/** What stays the same to its customer is not shown: that something happened within is no business of theirs. */
function toldOf({ before, row }: Told): OrderStepTold {
  const { id: order_id, customer_id, provider_id, state, version } = row
  const shown = visibleStatus(before) === visibleStatus(state) ? undefined : shownOf(row)
  return { order_id, customer_id, provider_id, state, version, shown }
}
