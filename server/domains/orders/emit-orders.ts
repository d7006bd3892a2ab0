import type { Tx } from '#server/platform/db/database.ts'
import { emit } from '#server/platform/outbox/emit.ts'
import type { EventDefinition } from '#server/platform/outbox/event.ts'
import { EVENT_ORDERS_MAX, type OrderStepTold, type OrdersEvent } from './events.ts'

/** Emits that `event` happened to these orders, many in one event. */
export function emitOrders(tx: Tx, event: EventDefinition<OrdersEvent>, orders: readonly OrderStepTold[]): void {
  const payloads: OrdersEvent[] = []
  for (let at = 0; at < orders.length; at += EVENT_ORDERS_MAX) {
    payloads.push({ orders: orders.slice(at, at + EVENT_ORDERS_MAX) })
  }
  emit(tx, event, payloads)
}
