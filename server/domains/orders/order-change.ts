import {
  ordersForwarded,
  ordersProgressed,
  ordersRerouted,
  ordersResubmitted,
  ordersSettled,
  ordersStopped,
} from './events.ts'
import type { Order } from './order.ts'

/** What kinds of step an order's history knows, besides `placed`, and what the others are told of each. */
export const STEP_EVENTS = {
  sent: undefined,
  accepted: ordersForwarded,
  rejected: ordersStopped,
  unknown: ordersStopped,
  postponed: undefined,
  progressed: ordersProgressed,
  provider_failed: ordersStopped,
  flagged: undefined,
  cost_corrected: undefined,
  settled: ordersSettled,
  resubmitted: ordersResubmitted,
  due: undefined,
  cancel_asked: undefined,
  cancel_answered: undefined,
  rerouted: ordersRerouted,
  // Told by its own event, with its reason.
  refunded: undefined,
  posts_found: undefined,
  // Told by its own event as well.
  subscription_stopped: undefined,
} as const

export type StepKind = keyof typeof STEP_EVENTS

/** An order locked by the caller's transaction, and what of it is to be otherwise. Without a step nothing is written to its history. */
export interface OrderChange {
  before: Order
  after: Partial<Order>
  step?: { kind: StepKind; actor?: string; data?: Record<string, unknown> } | undefined
  /** What a provider took that the order has left, for a placement that nobody waited for any more. */
  paid_elsewhere?: FormerCost | undefined
}

/** What an order cost at a provider that it has left, in minor units of `asset`. */
export interface FormerCost {
  provider_id: bigint
  asset: string
  cost: bigint
}

/** Whether the change takes the order to another provider: its cost begins anew there, and no money moves by that. */
export function leavesProvider({ before, after }: OrderChange): boolean {
  return after.provider_id !== undefined && after.provider_id !== before.provider_id
}
