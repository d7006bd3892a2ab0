import { isPackage, type OrderType } from '#server/domains/providers/order-types.ts'
import { deliveredPart, FINAL_STATES, type OrderState } from '../order.ts'

/** An order of another system, as it stands there. It keeps its number. Amounts in micro-USD, `cost` in the provider's asset. */
export interface TakenOrder {
  id: bigint
  customer_id: bigint
  service_id: bigint
  type: OrderType
  provider_id: bigint
  provider_service_id: string
  link: string
  quantity: bigint
  params: Record<string, string>
  /** What it was sold for, before anything came back of it. */
  charge: bigint
  /** What its provider took for it, or is expected to. */
  cost: bigint
  cost_asset: string
  start_count: bigint | null
  remains: bigint | null
  /** In the other system's words. */
  status: string
  provider_order_id: string | null
  provider_status: string | null
  placed_at: Date
  /** When it was changed last there. */
  updated_at: Date
}

/** Where a taken order stands here, and what of its charge is settled. */
export interface TakenStanding {
  state: OrderState
  captured: bigint
  released: bigint
  reason: string | null
  detail: string | null
}

/** What systems call the states of an order; capitals, blanks and lines between words do not matter. */
const STATES: Readonly<Record<string, OrderState>> = {
  pending: 'pending',
  awaiting: 'pending',
  queued: 'pending',
  processing: 'processing',
  inprogress: 'in_progress',
  completed: 'completed',
  complete: 'completed',
  partial: 'partial',
  canceled: 'cancelled',
  cancelled: 'cancelled',
  refunded: 'cancelled',
  failed: 'failed',
  fail: 'failed',
  error: 'failed',
}

/**
 * Where a taken order stands here. Pure. What is under way without a number at the provider may or may not have been sent there: it waits for staff, like what failed.
 * Undefined for a status that nobody knows, and for a partial order whose remains make no sense: no money is moved on a guess.
 */
export function standingOf(order: TakenOrder): TakenStanding | undefined {
  const state = stateNamed(order.status)
  if (!state) return undefined
  const { charge } = order
  switch (state) {
    case 'completed':
      return settled(state, charge, charge)
    case 'cancelled':
      return settled(state, 0n, charge)
    case 'partial': {
      const captured = order.remains === null ? undefined : deliveredPart(charge, order.quantity, order.remains)
      return captured === undefined ? undefined : settled(state, captured, charge)
    }
    case 'failed':
      return waiting('It had failed there.')
    default:
      return order.provider_order_id === null
        ? waiting(`It was ${order.status} there, and has no number at its provider.`)
        : { state, captured: 0n, released: 0n, reason: null, detail: null }
  }
}

/** Whether nothing of the order is open any more. */
export function isSettled({ state }: TakenStanding): boolean {
  return FINAL_STATES.includes(state)
}

/** The rate at which it was sold, as far as its charge tells. */
export function rateOf({ type, charge, quantity }: TakenOrder): bigint {
  return (isPackage(type) ? charge : charge * 1000n) / quantity
}

/** Whether another system's word for where an order stands says that it has ended. */
export function hasEnded(status: string): boolean {
  const state = stateNamed(status)
  return state !== undefined && FINAL_STATES.includes(state)
}

function stateNamed(status: string): OrderState | undefined {
  const word = status.toLowerCase().replace(/[^a-z]/g, '')
  return Object.hasOwn(STATES, word) ? STATES[word] : undefined
}

function settled(state: OrderState, captured: bigint, charge: bigint): TakenStanding {
  return { state, captured, released: charge - captured, reason: null, detail: null }
}

function waiting(detail: string): TakenStanding {
  return { state: 'failed', captured: 0n, released: 0n, reason: 'taken_over', detail }
}
