import { expect, test } from 'vitest'
import { standingOf, type TakenOrder } from './taken-order.ts'

const ORDER: TakenOrder = {
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
}

const standing = (change: Partial<TakenOrder>) => {
  const found = standingOf({ ...ORDER, ...change })
  return found && [found.state, found.captured, found.released, found.reason]
}

test.each([
  ['Completed', {}, ['completed', 1_000n, 0n, null]],
  ['CANCELED', {}, ['cancelled', 0n, 1_000n, null]],
  ['Refunded', {}, ['cancelled', 0n, 1_000n, null]],
  ['Partial', { remains: 25n }, ['partial', 750n, 250n, null]],
  ['Partial', { remains: 100n }, ['partial', 0n, 1_000n, null]],
  ['Partial', { remains: -5n }, ['partial', 1_000n, 0n, null]],
  ['In progress', {}, ['in_progress', 0n, 0n, null]],
  ['in_progress', {}, ['in_progress', 0n, 0n, null]],
  ['Processing', {}, ['processing', 0n, 0n, null]],
  ['pending', {}, ['pending', 0n, 0n, null]],
  ['pending', { provider_order_id: null }, ['failed', 0n, 0n, 'taken_over']],
  ['failed', {}, ['failed', 0n, 0n, 'taken_over']],
] as const)('%s %o', (status, change, expected) => {
  expect(standing({ status, ...change })).toEqual(expected)
})

test.each([
  ['a status that nobody knows', { status: 'shipped' }],
  ['a property that every object has', { status: 'constructor' }],
  ['a partial order whose remains are not known', { status: 'partial' }],
  ['a partial order with more remains than were ordered', { status: 'partial', remains: 101n }],
] as const)('moves no money by %s', (_, change) => {
  expect(standing(change)).toBeUndefined()
})
