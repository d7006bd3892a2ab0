import { defineEvent } from '#server/platform/outbox/event.ts'
import type { OrderState } from './order.ts'

/** What each event of an order tells. */
export interface OrderEvent {
  order_id: bigint
  customer_id: bigint
  provider_id: bigint
  state: OrderState
  /** The order's version with this step done; the higher one is the newer. */
  version: bigint
}

const subject = (event: OrderEvent) => `order:${event.order_id}`

/** An order was taken and its money held. */
export const orderPlaced = defineEvent<OrderEvent>('orders.placed', subject)

/** The provider took it. */
export const orderForwarded = defineEvent<OrderEvent>('orders.forwarded', subject)

/** It stopped and waits for a person: the provider refused, or its fate is unknown. */
export const orderStopped = defineEvent<OrderEvent>('orders.stopped', subject)

/** The provider reported another state that is not final. */
export const orderProgressed = defineEvent<OrderEvent>('orders.progressed', subject)

/** It is completed, partial or cancelled, and its money settled. */
export const orderSettled = defineEvent<OrderEvent>('orders.settled', subject)

/** Staff sent it again. */
export const orderResubmitted = defineEvent<OrderEvent>('orders.resubmitted', subject)
