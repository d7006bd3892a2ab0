import type { Tx } from '#server/platform/db/database.ts'
import { emit } from '#server/platform/outbox/emit.ts'
import type { EventDefinition } from '#server/platform/outbox/event.ts'
import type { OrderStepTold, OrdersEvent } from './events.ts'

/** Of an event, below what the outbox takes. */
const EVENT_BYTES_MAX = 60_000

/** What an order takes of it at the most, whatever the length of its numbers; and each character of its own key, were they all written as escapes. */
const ORDER_BYTES_MAX = 650
const CHARACTER_BYTES_MAX = 6

/** Emits that `event` happened to these orders, many in one event. */
export function emitOrders(tx: Tx, event: EventDefinition<OrdersEvent>, orders: readonly OrderStepTold[]): void {
  const payloads: { orders: OrderStepTold[] }[] = []
  let bytes = EVENT_BYTES_MAX
  for (const order of orders) {
    const more = ORDER_BYTES_MAX + CHARACTER_BYTES_MAX * (order.shown?.request_id?.length ?? 0)
    bytes += more
    if (bytes > EVENT_BYTES_MAX) {
      payloads.push({ orders: [] })
      bytes = more
    }
    payloads.at(-1)?.orders.push(order)
  }
  emit(tx, event, payloads)
}
