import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  costWith,
  deliveredPart,
  FINAL_STATES,
  netCharge,
  OPEN_STATES,
  type OrderState,
  orderCan,
  priceOf,
  visibleRemains,
  visibleStatus,
} from './order.ts'

const TABLE: Record<OrderState, { seen: string; resubmit?: true; resolve?: true }> = {
  scheduled: { seen: 'Pending' },
  queued: { seen: 'Pending' },
  dispatching: { seen: 'Pending' },
  unknown: { seen: 'Pending', resolve: true },
  failed: { seen: 'Pending', resubmit: true, resolve: true },
  pending: { seen: 'Pending' },
  processing: { seen: 'Processing' },
  in_progress: { seen: 'In progress' },
  completed: { seen: 'Completed' },
  partial: { seen: 'Partial' },
  cancelled: { seen: 'Canceled' },
}
const STATES = Object.keys(TABLE) as OrderState[]

test.each(STATES)('%s: what customers see and what staff may do', (state) => {
  expect(visibleStatus(state)).toBe(TABLE[state].seen)
  expect(orderCan.resubmit({ state })).toBe(TABLE[state].resubmit ?? false)
  expect(orderCan.resolve({ state })).toBe(TABLE[state].resolve ?? false)
})

test('an order is followed as long as a check of it is due', () => {
  expect(orderCan.follow({ next_check_at: new Date(0) })).toBe(true)
  expect(orderCan.follow({ next_check_at: null })).toBe(false)
})

test('no state is both open and final', () => {
  expect(OPEN_STATES.filter((state) => FINAL_STATES.includes(state))).toEqual([])
})

test.each(STATES)('the charge of an order that is %s', (state) => {
  const paid = (refunded: bigint) => netCharge({ state, charge: 100n, captured: 40n, released: 0n, refunded })
  const ended = ['completed', 'partial', 'cancelled'].includes(state)
  expect([paid(0n), paid(15n)]).toEqual(ended ? [40n, 25n] : [100n, 100n])
  // What a subscription has given back before its end is charged no more.
  expect(netCharge({ state, charge: 100n, captured: 0n, released: 100n, refunded: 0n })).toBe(0n)
})

test.each([
  ['completed', 5n, 0n],
  ['in_progress', null, 100n],
  ['in_progress', 30n, 30n],
  ['in_progress', -5n, 0n],
  ['in_progress', 130n, 100n],
  ['partial', 30n, 30n],
] as const)('what remains of an order that is %s with remains %s', (state, remains, seen) => {
  expect(visibleRemains({ state, quantity: 100n, remains })).toBe(seen)
})

test('a package costs its rate, all else the rate per 1000', () => {
  expect(priceOf('Package', 3_900_000n, 1n)).toBe(3_900_000n)
  expect(priceOf('Default', 3_900_001n, 1n)).toBe(3_901n)
  expect(priceOf('Custom Comments', 120_000_000n, 3n)).toBe(360_000n)
})

const amounts = fc.bigInt(0n, 2n ** 62n)
const quantities = fc.bigInt(1n, 10n ** 12n)

test('what is captured for a part is its share or less than one unit more, and never beyond the charge', () => {
  fc.assert(
    fc.property(amounts, quantities, fc.bigInt(0n, 10n ** 12n), (charge, quantity, some) => {
      const remains = some % (quantity + 1n)
      const captured = deliveredPart(charge, quantity, remains)
      if (captured === undefined) throw new Error('a part within the quantity is a part')
      const share = charge * (quantity - remains)
      expect(captured * quantity >= share && captured * quantity < share + quantity).toBe(true)
      expect(captured >= 0n && captured <= charge).toBe(true)
    }),
  )
})

test('the more remains, the less is captured; nothing left is all, all left is nothing', () => {
  fc.assert(
    fc.property(amounts, quantities, fc.bigInt(0n, 10n ** 12n), (charge, quantity, some) => {
      const remains = some % quantity
      const more = deliveredPart(charge, quantity, remains + 1n) as bigint
      expect(more <= (deliveredPart(charge, quantity, remains) as bigint)).toBe(true)
      expect(deliveredPart(charge, quantity, 0n)).toBe(charge)
      expect(deliveredPart(charge, quantity, quantity)).toBe(0n)
    }),
  )
})

test('more delivered than ordered is all due; more left than ordered makes no sense', () => {
  expect(deliveredPart(1_000n, 10n, -3n)).toBe(1_000n)
  expect(deliveredPart(1_000n, 10n, 11n)).toBeUndefined()
})

test('a cost adds to what was sunk before; a figure that is none or absurd is no cost', () => {
  expect(costWith({ sunk_cost: 7n }, 3n)).toBe(10n)
  expect(costWith({ sunk_cost: 7n }, 0n)).toBe(7n)
  expect(costWith({ sunk_cost: 7n }, undefined)).toBeUndefined()
  expect(costWith({ sunk_cost: 7n }, -1n)).toBeUndefined()
  expect(costWith({ sunk_cost: 7n }, 10n ** 15n + 1n)).toBeUndefined()
})
