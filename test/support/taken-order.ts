import type { TakenOrder } from '#server/domains/orders/take-over/taken-order.ts'

/** An order of another system that was done there, of a hundred for a thousand micro-USD. */
export function takenOrder(changes: Partial<TakenOrder> = {}): TakenOrder {
  return {
    id: 7n,
    customer_id: 1n,
    service_id: 2n,
    type: 'Default',
    provider_id: 3n,
    provider_service_id: '9',
    link: 'https://example.com/a',
    quantity: 100n,
    params: {},
    charge: 1_000n,
    cost: 500n,
    cost_asset: 'USD',
    start_count: null,
    remains: null,
    status: 'completed',
    provider_order_id: '4711',
    provider_status: null,
    placed_at: new Date(0),
    updated_at: new Date(0),
    ...changes,
  }
}
