import type { Order } from '#server/domains/orders/order.ts'

/** An order that its provider took ten minutes before `NOW`: 1000 pieces for 900,001 minor units, at a cost of 500,001. */
export function orderRow(changes: Partial<Order> = {}): Order {
  return {
    id: 7n,
    customer_id: 1n,
    service_id: 2n,
    provider_id: 3n,
    wallet: 4n,
    hold: 5n,
    quantity: 1_000n,
    rate: 900_001n,
    charge: 900_001n,
    expected_cost: 500_001n,
    accepted_cost: null,
    booked_cost: 500_001n,
    sunk_cost: 0n,
    captured: 0n,
    released: 0n,
    start_count: null,
    remains: null,
    version: 3n,
    placed_at: new Date(NOW.getTime() - 11 * 60_000),
    accepted_at: new Date(NOW.getTime() - 10 * 60_000),
    finished_at: null,
    checked_at: null,
    next_check_at: NOW,
    claimed_until: null,
    last_resubmit_at: null,
    waiting_since: null,
    attempt: '00000000-0000-4000-8000-000000000001',
    attempts: 1,
    resubmits: 0,
    failed_checks: 0,
    asset: 'USD',
    cost_asset: 'USD',
    type: 'Default',
    state: 'pending',
    reason: null,
    detail: null,
    link: 'https://example.com/a',
    params: {},
    provider_service_id: '101',
    provider_order_id: '9001',
    provider_status: null,
    balance_check_status: 'sufficient',
    request_key: null,
    ...changes,
  }
}

/** The moment at which rows are looked at. */
export const NOW = new Date('2026-01-01T12:00:00.000Z')
