import { expect, test } from 'vitest'
import { takenOrder } from '#test/support/taken-order.ts'
import { standingOf, type TakenOrder } from './taken-order.ts'

const standing = (change: Partial<TakenOrder>) => {
  const found = standingOf(takenOrder(change))
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
