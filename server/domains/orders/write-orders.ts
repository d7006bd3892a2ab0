import { dateArray, int8Array, jsonArray, plainArray, textArray } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { emit } from '#server/platform/outbox/emit.ts'
import { orderForwarded, orderProgressed, orderResubmitted, orderSettled, orderStopped } from './events.ts'
import { ORDER_COLUMNS, type Order, type OrderState } from './order.ts'

// Order-like rows are locked first, then accounts, then holds; each sorted by id.
const lockById = statement(`
  select ${ORDER_COLUMNS} from orders.orders where id = any($1::bigint[]) order by id for no key update`)

/** Locks orders until the transaction ends; unknown ids are absent. */
export async function lockOrders(tx: Tx, ids: readonly bigint[]): Promise<Map<bigint, Order>> {
  const rows = await tx.query<Order>(lockById, [int8Array(ids)])
  return new Map(rows.map((row) => [row.id, row]))
}

/** What kinds of step an order's history knows, besides `placed`. */
export type StepKind = keyof typeof EVENTS

const EVENTS = {
  accepted: orderForwarded,
  rejected: orderStopped,
  unknown: orderStopped,
  postponed: undefined,
  progressed: orderProgressed,
  provider_failed: orderStopped,
  flagged: undefined,
  cost_corrected: undefined,
  settled: orderSettled,
  resubmitted: orderResubmitted,
} as const

/** An order as it is to be, locked by the caller's transaction. Without a step nothing is written to its history. */
export interface OrderChange {
  before: Order
  after: Partial<Order> & { next_check_at?: Date | null }
  step?: { kind: StepKind; actor?: string; data?: Record<string, unknown> } | undefined
}

const update = statement(`
  update orders.orders o set state = new.state, reason = new.reason, detail = new.detail, provider_order_id = new.provider_order_id,
    provider_status = new.provider_status, balance_check_status = new.balance_check_status, attempt = new.attempt,
    booked_cost = new.booked_cost, captured = new.captured, released = new.released, start_count = new.start_count,
    remains = new.remains, version = new.version, attempts = new.attempts, resubmits = new.resubmits,
    failed_checks = new.failed_checks, accepted_at = new.accepted_at, checked_at = new.checked_at,
    next_check_at = new.next_check_at, last_resubmit_at = new.last_resubmit_at, claimed_until = null,
    finished_at = case when new.state in ('completed', 'partial', 'cancelled') then now() end
  from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::uuid[], $9::bigint[],
    $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::smallint[], $16::smallint[], $17::smallint[],
    $18::timestamptz[], $19::timestamptz[], $20::timestamptz[], $21::timestamptz[])
    as new (id, state, reason, detail, provider_order_id, provider_status, balance_check_status, attempt, booked_cost,
      captured, released, start_count, remains, version, attempts, resubmits, failed_checks, accepted_at, checked_at,
      next_check_at, last_resubmit_at)
  where o.id = new.id`)

const insertEvents = statement(`
  insert into orders.order_event (order_id, version, kind, from_state, to_state, actor, data)
  select * from unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::jsonb[])`)

/**
 * Writes changed orders, their history and their events: the one place that updates orders, but for claiming them. Whatever is visible in a change
 * makes the version grow. A claim ends with it. The writes are sent, not awaited.
 */
export function writeOrders(tx: Tx, changes: readonly OrderChange[]): void {
  if (changes.length === 0) return
  const rows = changes.map(({ before, after }) => ({
    ...before,
    next_check_at: null as Date | null,
    ...after,
    version: before.version + 1n,
  }))
  tx.send(update, [
    int8Array(rows.map((row) => row.id)),
    ...(['state', 'reason', 'detail', 'provider_order_id', 'provider_status', 'balance_check_status'] as const).map(
      (name) => textArray(rows.map((row) => row[name])),
    ),
    plainArray(rows.map((row) => row.attempt)),
    ...(['booked_cost', 'captured', 'released', 'start_count', 'remains', 'version'] as const).map((name) =>
      int8Array(rows.map((row) => row[name])),
    ),
    ...(['attempts', 'resubmits', 'failed_checks'] as const).map((name) => plainArray(rows.map((row) => row[name]))),
    ...(['accepted_at', 'checked_at', 'next_check_at', 'last_resubmit_at'] as const).map((name) =>
      dateArray(rows.map((row) => row[name])),
    ),
  ])
  const steps = changes.flatMap((change, i) => {
    const row = rows[i]
    return change.step && row ? [{ change, step: change.step, row }] : []
  })
  if (steps.length === 0) return
  tx.send(insertEvents, [
    int8Array(steps.map(({ row }) => row.id)),
    int8Array(steps.map(({ row }) => row.version)),
    textArray(steps.map(({ step }) => step.kind)),
    textArray(steps.map(({ change }) => change.before.state)),
    textArray(steps.map(({ row }) => row.state)),
    textArray(steps.map(({ step }) => step.actor ?? 'system')),
    jsonArray(steps.map(({ step }) => step.data)),
  ])
  for (const kind of new Set(steps.map(({ step }) => step.kind))) {
    const event = EVENTS[kind]
    if (!event) continue
    const told = steps.filter(({ step }) => step.kind === kind).map(({ row }) => eventOf(row))
    emit(tx, event, told)
  }
}

function eventOf(row: Pick<Order, 'id' | 'customer_id' | 'provider_id' | 'version'> & { state: OrderState }) {
  const { id: order_id, customer_id, provider_id, state, version } = row
  return { order_id, customer_id, provider_id, state, version }
}
