import type { StatusRow } from '#server/domains/providers/provider.ts'
import { unreachable } from '#server/kit/invariant.ts'
import { costWith, DETAIL_MAX, deliveredPart, FINAL_STATES, FORCED, type Order } from '../order.ts'
import type { OrderChange } from '../order-change.ts'
import { nextCheck_ms } from './poll-schedule.ts'

type ReadRow = Extract<StatusRow, { ok: true }>
type UnreadRow = Extract<StatusRow, { ok: false }>

/** After so many checks in a row that told nothing, staff are told. Polling goes on. */
const FAILED_CHECKS_FLAGGED = 10
const FAILED_CHECKS_MAX = 30_000

/** An order that staff ended is asked about so often: a day, at the pace of old orders. */
const LATE_CHECKS_MAX = 48

/** A provider that has not named its charge by then never will. */
const COST_CHECKS_MAX = 8

/**
 * What a provider's row means for an order that is followed. Pure. Undefined when nothing that anyone can see changes. Only a row that makes sense moves
 * money: completed captures the charge; partial captures the delivered part and releases the rest; cancelled releases all, whatever it says of remains. The cost
 * follows the provider's own net charge. An order that ended while its provider named none is followed until it does; its state and the customer's money stay.
 */
export function decideStatus(order: Order, row: StatusRow, now: Date): OrderChange | undefined {
  if (FINAL_STATES.includes(order.state)) {
    return order.reason === FORCED ? lateWord(order, row, now) : costConfirmed(order, row, now)
  }
  if (!row.ok) return unreadable(order, row, now)
  const seen = {
    provider_status: row.raw_status,
    start_count: row.start_count ?? order.start_count,
    remains: row.remains ?? order.remains,
    booked_cost: costTold(order, row) ?? order.booked_cost,
    failed_checks: 0,
    checked_at: now,
    next_check_at: nextCheckOf(order, now, 0),
  }
  switch (row.status) {
    case 'pending':
    case 'processing':
    case 'in_progress':
      return progressed(order, row, { ...seen, state: row.status, reason: null, detail: null })
    case 'completed':
      return settled(order, row, now, seen, order.charge)
    case 'cancelled':
      return settled(order, row, now, seen, 0n)
    case 'partial': {
      const captured = row.remains === undefined ? undefined : deliveredPart(order.charge, order.quantity, row.remains)
      if (captured === undefined) return flagged(order, { ...seen, ...REMAINS_UNKNOWN })
      return settled(order, row, now, seen, captured)
    }
    case 'failed':
      return providerFailed(order, row, seen)
    case 'active':
    case 'paused':
    case 'expired':
      return unreadable(order, asUnreadable(`${row.raw_status} is said of subscriptions alone`), now)
    default:
      return unreachable(row.status)
  }
}

/** A row that cannot be of this order. */
export function asUnreadable(message: string): UnreadRow {
  return { ok: false, reason: 'unreadable', message }
}

/** When the provider is asked about the order again, after so many checks in a row that told nothing. */
export function nextCheckOf(order: Pick<Order, 'accepted_at' | 'placed_at'>, now: Date, failed_checks: number): Date {
  const age_ms = now.getTime() - (order.accepted_at ?? order.placed_at).getTime()
  return new Date(now.getTime() + nextCheck_ms(age_ms, failed_checks))
}

const REMAINS_UNKNOWN = {
  reason: 'remains_unknown',
  detail: 'The provider says partial but not how much remains; no money moves until it does.',
}

/** Counts a check that told nothing; after several in a row staff are told. */
export function unreadable(order: Order, row: UnreadRow, now: Date): OrderChange {
  const failed_checks = Math.min(order.failed_checks + 1, FAILED_CHECKS_MAX)
  const after = { failed_checks, checked_at: now, next_check_at: nextCheckOf(order, now, failed_checks) }
  if (failed_checks !== FAILED_CHECKS_FLAGGED) return { before: order, after }
  return flagged(order, { ...after, reason: `status_${row.reason}`, detail: row.message.slice(0, DETAIL_MAX) })
}

/** Something odd that staff should see; told once, not at every check. */
function flagged(order: Order, after: OrderChange['after']): OrderChange {
  const cost = costStep(order, after.booked_cost)
  if (order.reason === after.reason) return { before: order, after, step: cost }
  return { before: order, after, step: { kind: 'flagged', data: { reason: after.reason, ...cost?.data } } }
}

function progressed(order: Order, row: ReadRow, after: OrderChange['after']): OrderChange | undefined {
  const cost = costStep(order, after.booked_cost)
  if (after.state !== order.state) {
    return {
      before: order,
      after,
      step: { kind: 'progressed', data: { provider_status: row.raw_status, ...cost?.data } },
    }
  }
  const same =
    !cost &&
    after.start_count === order.start_count &&
    after.remains === order.remains &&
    after.reason === order.reason &&
    after.provider_status === order.provider_status
  return same ? undefined : { before: order, after, step: cost }
}

function settled(order: Order, row: ReadRow, now: Date, seen: OrderChange['after'], captured: bigint): OrderChange {
  const state = row.status as 'completed' | 'partial' | 'cancelled'
  const told = costTold(order, row)
  const booked_cost = told ?? expectedNet(order, row)
  const released = order.charge - captured
  const data = { captured: String(captured), released: String(released), ...costStep(order, booked_cost)?.data }
  return {
    before: order,
    after: {
      ...seen,
      next_check_at: told === undefined ? nextCheckOf(order, now, 0) : null,
      state,
      reason: null,
      detail: null,
      captured,
      released,
      booked_cost,
    },
    step: { kind: 'settled', data },
  }
}

/** The provider calls it failed: it waits for a person, with its money held. */
export function providerFailed(order: Order, row: ReadRow, seen: OrderChange['after']): OrderChange {
  const detail = `The provider says: ${row.raw_status}.`
  return {
    before: order,
    after: { ...seen, next_check_at: null, state: 'failed', reason: 'provider_failed', detail },
    step: {
      kind: 'provider_failed',
      data: { provider_status: row.raw_status, ...costStep(order, seen.booked_cost)?.data },
    },
  }
}

/** The order has ended, and all that is still asked is what the provider took for it. */
function costConfirmed(order: Order, row: StatusRow, now: Date): OrderChange {
  const told = row.ok ? costTold(order, row) : undefined
  const seen = { checked_at: now, failed_checks: order.failed_checks + 1, next_check_at: null }
  if (told !== undefined) {
    return { before: order, after: { ...seen, failed_checks: 0, booked_cost: told }, step: costStep(order, told) }
  }
  if (seen.failed_checks < COST_CHECKS_MAX) {
    return { before: order, after: { ...seen, next_check_at: nextCheckOf(order, now, seen.failed_checks) } }
  }
  // What was said before of one that staff ended still holds.
  const detail = `The provider did not name its charge. ${order.detail ?? ''}`.trim().slice(0, DETAIL_MAX)
  return flagged(order, { ...seen, reason: 'cost_unconfirmed', detail })
}

/**
 * Staff have ended the order. The provider's word moves nothing of the customer's any more; its last one tells staff whether it contradicts, and what it took. Where it names no charge the
 * cost is guessed from that word, as of any order that ended, and asked for on.
 */
function lateWord(order: Order, row: StatusRow, now: Date): OrderChange {
  const failed_checks = order.failed_checks + 1
  const next_check_at = failed_checks < LATE_CHECKS_MAX ? nextCheckOf(order, now, 0) : null
  const seen = { checked_at: now, failed_checks, next_check_at }
  if (!row.ok || !ENDED_THERE.includes(row.status)) return { before: order, after: seen }
  const told = costTold(order, row)
  const booked_cost = told ?? (row.status === 'failed' ? order.booked_cost : expectedNet(order, row))
  const cost_checks = { failed_checks: 0, next_check_at: nextCheckOf(order, now, 0) }
  const ended = {
    ...seen,
    booked_cost,
    provider_status: row.raw_status,
    ...(told === undefined ? cost_checks : { next_check_at: null }),
  }
  if (agrees(order, row)) {
    return { before: order, after: { ...ended, reason: 'forced_confirmed' }, step: costStep(order, booked_cost) }
  }
  const said =
    row.status === 'partial' ? `${row.raw_status}, with ${row.remains ?? 'unknown'} remaining` : row.raw_status
  const detail = `We ended it ${order.state}; the provider says: ${said}. ${order.detail ?? ''}`.slice(0, DETAIL_MAX)
  return flagged(order, { ...ended, reason: 'forced_contradicted', detail })
}

const ENDED_THERE: readonly ReadRow['status'][] = ['completed', 'partial', 'cancelled', 'failed']

function agrees({ state, remains }: Order, row: ReadRow): boolean {
  if (row.status === 'failed') return state === 'cancelled'
  return row.status === state && (state !== 'partial' || row.remains === remains)
}

/** What the order has cost by the provider's own figure, when it is in the asset that we book. */
function costTold(order: Order, row: ReadRow): bigint | undefined {
  if (row.currency !== undefined && row.currency !== order.cost_asset) return undefined
  return costWith(order, row.charge)
}

/** What the cost should come to when the provider does not say. */
function expectedNet(order: Order, row: ReadRow): bigint {
  if (row.status === 'cancelled') return order.sunk_cost
  if (row.status === 'completed' || row.remains === undefined) return order.booked_cost
  const part = deliveredPart(order.booked_cost - order.sunk_cost, order.quantity, row.remains)
  return part === undefined ? order.booked_cost : order.sunk_cost + part
}

function costStep(order: Order, cost: bigint | undefined): OrderChange['step'] {
  if (cost === undefined || cost === order.booked_cost) return undefined
  return { kind: 'cost_corrected', data: { cost_from: String(order.booked_cost), cost_to: String(cost) } }
}
