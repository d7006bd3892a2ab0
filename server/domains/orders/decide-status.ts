import type { StatusRow } from '#server/domains/providers/provider.ts'
import { deliveredPart, type Order } from './order.ts'
import { nextCheck_ms } from './poll-schedule.ts'
import type { OrderChange } from './write-orders.ts'

type ReadRow = Extract<StatusRow, { ok: true }>

/** After so many checks in a row that told nothing, staff are told. Polling goes on. */
const FAILED_CHECKS_FLAGGED = 10
const FAILED_CHECKS_MAX = 30_000

/**
 * What a provider's row means for an open order. Pure. Undefined when nothing that anyone can see changes. Only a row that makes sense moves money:
 * completed captures the charge; partial captures the delivered part and releases the rest; cancelled releases all, whatever it says of remains. The cost follows the
 * provider's own net charge, or ours when it names none.
 */
export function decideStatus(order: Order, row: StatusRow, now: Date): OrderChange | undefined {
  if (!row.ok) return unreadable(order, row, now)
  const seen = {
    provider_status: row.raw_status,
    start_count: row.start_count ?? order.start_count,
    remains: row.remains ?? order.remains,
    failed_checks: 0,
    checked_at: now,
    next_check_at: new Date(now.getTime() + nextCheck_ms(ageOf(order, now), 0)),
  }
  switch (row.status) {
    case 'pending':
    case 'processing':
    case 'in_progress':
      return progressed(order, row, { ...seen, state: row.status, reason: null, detail: null })
    case 'completed':
      return settled(order, row, seen, order.charge)
    case 'cancelled':
      return settled(order, row, seen, 0n)
    case 'partial': {
      const captured = row.remains === undefined ? undefined : deliveredPart(order.charge, order.quantity, row.remains)
      if (captured === undefined) return flagged(order, { ...seen, ...REMAINS_UNKNOWN })
      return settled(order, row, seen, captured)
    }
    case 'failed':
      return {
        before: order,
        after: {
          ...seen,
          next_check_at: null,
          state: 'failed',
          reason: 'provider_failed',
          detail: `The provider says: ${row.raw_status}.`,
        },
        step: { kind: 'provider_failed', data: { provider_status: row.raw_status } },
      }
  }
}

const REMAINS_UNKNOWN = {
  reason: 'remains_unknown',
  detail: 'The provider says partial but not how much remains; no money moves until it does.',
}

function ageOf(order: Order, now: Date): number {
  return now.getTime() - (order.accepted_at ?? order.placed_at).getTime()
}

function unreadable(order: Order, row: Extract<StatusRow, { ok: false }>, now: Date): OrderChange {
  const failed_checks = Math.min(order.failed_checks + 1, FAILED_CHECKS_MAX)
  const after = {
    failed_checks,
    checked_at: now,
    next_check_at: new Date(now.getTime() + nextCheck_ms(ageOf(order, now), failed_checks)),
  }
  if (failed_checks !== FAILED_CHECKS_FLAGGED) return { before: order, after }
  const told = { reason: `status_${row.reason}`, detail: row.message.slice(0, 500) }
  return flagged(order, { ...after, ...told })
}

/** Something odd that staff should see; told once, not at every check. */
function flagged(order: Order, after: OrderChange['after']): OrderChange {
  if (order.reason === after.reason) return { before: order, after }
  return { before: order, after, step: { kind: 'flagged', data: { reason: after.reason } } }
}

function progressed(order: Order, row: ReadRow, after: OrderChange['after']): OrderChange | undefined {
  const booked_cost = netCost(order, row) ?? order.booked_cost
  if (after.state !== order.state) {
    const data = { provider_status: row.raw_status }
    return { before: order, after: { ...after, booked_cost }, step: { kind: 'progressed', data } }
  }
  if (booked_cost !== order.booked_cost) {
    const data = { from: String(order.booked_cost), to: String(booked_cost) }
    return { before: order, after: { ...after, booked_cost }, step: { kind: 'cost_corrected', data } }
  }
  const same =
    after.start_count === order.start_count &&
    after.remains === order.remains &&
    after.reason === order.reason &&
    after.provider_status === order.provider_status
  return same ? undefined : { before: order, after }
}

function settled(order: Order, row: ReadRow, seen: OrderChange['after'], captured: bigint): OrderChange {
  const state = row.status as 'completed' | 'partial' | 'cancelled'
  return {
    before: order,
    after: {
      ...seen,
      next_check_at: null,
      state,
      reason: null,
      detail: null,
      captured,
      released: order.charge - captured,
      booked_cost: netCost(order, row) ?? expectedNet(order, row),
    },
    step: { kind: 'settled', data: { captured: String(captured), released: String(order.charge - captured) } },
  }
}

/** The provider's own figure, when it is in the asset that we book. */
function netCost(order: Order, row: ReadRow): bigint | undefined {
  if (row.charge === undefined || row.charge < 0n) return undefined
  return row.currency === undefined || row.currency === order.cost_asset ? row.charge : undefined
}

/** What the cost should come to when the provider does not say. */
function expectedNet(order: Order, row: ReadRow): bigint {
  if (row.status === 'cancelled') return 0n
  if (row.status === 'completed' || row.remains === undefined) return order.booked_cost
  return deliveredPart(order.booked_cost, order.quantity, row.remains) ?? order.booked_cost
}
