import { defineEvent } from '#server/platform/outbox/event.ts'
import type { OrderState } from './order.ts'

/** What an event tells of one order. */
export interface OrderStepTold {
  order_id: bigint
  customer_id: bigint
  provider_id: bigint
  state: OrderState
  /** The order's version with this step done; the higher one is the newer. */
  version: bigint
}

/** Events tell of many orders, as the verbs that cause them change many: one row of the outbox for a batch. At most EVENT_ORDERS_MAX. */
export interface OrdersEvent {
  orders: readonly OrderStepTold[]
}

/** Keeps an event well below what the outbox takes, whatever the length of its numbers. */
export const EVENT_ORDERS_MAX = 250

const subject = ({ orders: [first, ...others] }: OrdersEvent) =>
  `order:${first?.order_id}${others.length > 0 ? ` and ${others.length} more` : ''}`

/** Orders were taken and their money held. */
export const ordersPlaced = defineEvent<OrdersEvent>('orders.placed', subject)

/** Providers took them. */
export const ordersForwarded = defineEvent<OrdersEvent>('orders.forwarded', subject)

/** They stopped and wait for a person: a provider refused, or their fate is unknown. */
export const ordersStopped = defineEvent<OrdersEvent>('orders.stopped', subject)

/** Providers reported other states that are not final. */
export const ordersProgressed = defineEvent<OrdersEvent>('orders.progressed', subject)

/** They are completed, partial or cancelled, and their money settled. */
export const ordersSettled = defineEvent<OrdersEvent>('orders.settled', subject)

/** Staff sent them again. */
export const ordersResubmitted = defineEvent<OrdersEvent>('orders.resubmitted', subject)
