import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ProviderStatus, StatusRow } from '#server/domains/providers/provider.ts'
import { NOW, orderRow } from '#test/support/order-row.ts'
import type { Order } from '../order.ts'
import { decideStatus } from './decide-status.ts'

type Read = Extract<StatusRow, { ok: true }>

function row(status: ProviderStatus, figures: Partial<Read> = {}): Read {
  return {
    ok: true,
    status,
    raw_status: status,
    charge: 500_001n,
    currency: 'USD',
    start_count: undefined,
    remains: undefined,
    ...figures,
  }
}

/** The order as it stands after the row. */
function orderAfter(order: Order, told: StatusRow): Order {
  const change = decideStatus(order, told, NOW)
  return change ? { ...order, ...change.after, version: order.version + 1n } : order
}

function stepOf(order: Order, told: StatusRow) {
  return decideStatus(order, told, NOW)?.step
}

const in_ms = (ms: number) => new Date(NOW.getTime() + ms)
const MINUTE_MS = 60_000

describe('the end', () => {
  test('completed captures the whole charge, whatever it says of remains', () => {
    for (const remains of [undefined, 0n, 5n, -5n, 5_000n]) {
      expect(orderAfter(orderRow(), row('completed', { remains }))).toMatchObject({
        state: 'completed',
        captured: 900_001n,
        released: 0n,
        next_check_at: null,
      })
    }
  })

  test('cancelled releases all, whatever it says of remains', () => {
    for (const remains of [undefined, 0n, 400n, 1_000n, -1n]) {
      const told = row('cancelled', { remains, charge: 0n })
      expect(orderAfter(orderRow(), told)).toMatchObject({
        state: 'cancelled',
        captured: 0n,
        released: 900_001n,
        booked_cost: 0n,
      })
    }
  })

  test.each([
    [0n, 900_001n, 0n],
    [1n, 899_101n, 900n],
    [333n, 600_301n, 299_700n],
    [999n, 901n, 899_100n],
    [1_000n, 0n, 900_001n],
    [-1n, 900_001n, 0n],
  ])('partial with %d of 1000 remaining captures %d and releases %d', (remains, captured, released) => {
    const told = row('partial', { remains })
    expect(orderAfter(orderRow(), told)).toMatchObject({
      state: 'partial',
      remains,
      captured,
      released,
      next_check_at: null,
    })
  })

  test.each([[undefined], [1_001n], [10n ** 18n]])(
    'partial with %s remaining moves no money and is flagged, once',
    (remains) => {
      const told = row('partial', { remains, charge: undefined })
      const flagged = orderAfter(orderRow(), told)
      expect(flagged).toMatchObject({
        state: 'pending',
        reason: 'remains_unknown',
        captured: 0n,
        released: 0n,
        booked_cost: 500_001n,
        provider_status: 'partial',
      })
      expect(stepOf(orderRow(), told)?.kind).toBe('flagged')
      expect(flagged.next_check_at).toEqual(in_ms(MINUTE_MS))
      expect(stepOf(flagged, told)).toBeUndefined()
      expect(orderAfter(flagged, row('partial', { remains: 500n }))).toMatchObject({
        state: 'partial',
        reason: null,
        captured: 450_001n,
      })
    },
  )

  test('a package of which the provider counts other pieces than ours is flagged, not captured', () => {
    const order = orderRow({ type: 'Package', quantity: 1n })
    expect(orderAfter(order, row('partial', { remains: 150n }))).toMatchObject({
      reason: 'remains_unknown',
      captured: 0n,
    })
  })

  test('what ended stays as it ended: partial is not partial again, nor cancelled afterwards', () => {
    const ended = orderAfter(orderRow(), row('partial', { remains: 333n, charge: undefined }))
    for (const told of [
      row('partial', { remains: 900n }),
      row('cancelled'),
      row('completed'),
      row('failed'),
      row('pending'),
    ]) {
      expect(orderAfter(ended, told)).toMatchObject({
        state: 'partial',
        captured: 600_301n,
        released: 299_700n,
        remains: 333n,
      })
    }
  })

  test('an order that its provider calls failed stops with its money held', () => {
    const told = row('failed', { raw_status: 'Fail', charge: 0n })
    expect(orderAfter(orderRow(), told)).toMatchObject({
      state: 'failed',
      reason: 'provider_failed',
      captured: 0n,
      released: 0n,
      booked_cost: 0n,
      next_check_at: null,
    })
    expect(stepOf(orderRow(), told)).toMatchObject({
      kind: 'provider_failed',
      data: { cost_from: '500001', cost_to: '0' },
    })
  })
})

describe('the cost', () => {
  test('follows the net charge of the provider, up and down, and the step tells', () => {
    const dearer = orderAfter(orderRow(), row('in_progress', { charge: 600_000n }))
    expect(dearer.booked_cost).toBe(600_000n)
    const told = row('in_progress', { charge: 450_000n })
    expect(orderAfter(dearer, told).booked_cost).toBe(450_000n)
    expect(stepOf(dearer, told)).toEqual({ kind: 'cost_corrected', data: { cost_from: '600000', cost_to: '450000' } })
  })

  test('counts what earlier placements took', () => {
    const again = orderRow({ sunk_cost: 100n, booked_cost: 500_101n })
    expect(orderAfter(again, row('completed', { charge: 200n })).booked_cost).toBe(300n)
    expect(orderAfter(again, row('cancelled', { charge: undefined })).booked_cost).toBe(100n)
    expect(orderAfter(again, row('partial', { remains: 500n, charge: undefined })).booked_cost).toBe(100n + 250_001n)
  })

  test('in another currency, below zero or absurd is not taken over', () => {
    for (const odd of [{ currency: 'EUR' }, { charge: -1n }, { charge: 10n ** 17n }, { charge: undefined }]) {
      expect(orderAfter(orderRow(), row('in_progress', odd)).booked_cost).toBe(500_001n)
    }
  })

  test.each([
    ['completed', {}, 500_001n],
    ['partial', { remains: 500n }, 250_001n],
    ['cancelled', {}, 0n],
  ] as const)('of an order that is %s is guessed when not told, then confirmed', (status, figures, guess) => {
    const ended = orderAfter(orderRow(), row(status, { ...figures, charge: undefined }))
    expect(ended).toMatchObject({ state: status, booked_cost: guess, next_check_at: in_ms(MINUTE_MS) })
    const told = row(status, { ...figures, charge: 123n })
    expect(orderAfter(ended, told)).toMatchObject({ state: status, booked_cost: 123n, next_check_at: null })
    expect(stepOf(ended, told)?.kind).toBe('cost_corrected')
    const confirmed = row(status, { ...figures, charge: guess })
    expect(orderAfter(ended, confirmed).next_check_at).toBeNull()
    expect(stepOf(ended, confirmed)).toBeUndefined()
  })

  test('that is never told is asked for ever more rarely, then flagged and left', () => {
    let order = orderAfter(orderRow(), row('completed', { charge: undefined }))
    let checks = 0
    while (order.next_check_at !== null) {
      order = orderAfter(
        order,
        checks % 2 ? row('completed', { charge: undefined }) : { ok: false, reason: 'missing', message: '' },
      )
      checks += 1
      expect(checks).toBeLessThan(20)
    }
    expect(checks).toBe(8)
    expect(order).toMatchObject({
      state: 'completed',
      reason: 'cost_unconfirmed',
      booked_cost: 500_001n,
      captured: 900_001n,
    })
  })
})

describe('on the way', () => {
  test('another state is a step; figures alone are none; nothing new is no change', () => {
    expect(stepOf(orderRow(), row('processing'))?.kind).toBe('progressed')
    const told = row('processing', { remains: 600n, start_count: 12n })
    const seen = orderAfter(orderRow({ state: 'processing' }), told)
    expect(seen).toMatchObject({ remains: 600n, start_count: 12n, version: 4n })
    expect(stepOf(orderRow({ state: 'processing' }), told)).toBeUndefined()
    expect(decideStatus(seen, told, NOW)).toBeUndefined()
  })

  test('a figure that is not given keeps the one known', () => {
    const seen = orderRow({ remains: 600n, start_count: 12n, provider_status: 'in_progress', state: 'in_progress' })
    expect(decideStatus(seen, row('in_progress'), NOW)).toBeUndefined()
  })

  test('a good row ends the count of those that told nothing', () => {
    const told = row('processing')
    expect(orderAfter(orderRow({ failed_checks: 4, reason: 'status_missing' }), told)).toMatchObject({
      failed_checks: 0,
      reason: null,
      next_check_at: in_ms(MINUTE_MS),
    })
  })

  test.each(['not_found', 'error', 'missing', 'unreadable'] as const)(
    'a row that is %s changes nothing but the time of the next check',
    (reason) => {
      const told: StatusRow = { ok: false, reason, message: 'x' }
      expect(orderAfter(orderRow(), told)).toEqual(
        orderRow({ failed_checks: 1, checked_at: NOW, next_check_at: in_ms(2 * MINUTE_MS), version: 4n }),
      )
    },
  )

  test('ten such rows in a row are flagged, once, and the order is followed on', () => {
    const told: StatusRow = { ok: false, reason: 'not_found', message: 'Incorrect order ID' }
    let order = orderRow()
    const steps: (string | undefined)[] = []
    for (let check = 1; check <= 12; check++) {
      steps.push(stepOf(order, told)?.kind)
      order = orderAfter(order, told)
    }
    expect(steps.map((step) => step ?? '-').join('')).toBe('---------flagged--')
    expect(order).toMatchObject({
      state: 'pending',
      reason: 'status_not_found',
      detail: 'Incorrect order ID',
      failed_checks: 12,
    })
    expect(order.next_check_at).not.toBeNull()
  })
})

test('whatever a provider tells, in whatever order, no unit is captured or released twice, and an end settles all', () => {
  const figure = fc.option(fc.bigInt(-2_000n, 3_000n), { nil: undefined })
  const statuses = ['pending', 'processing', 'in_progress', 'completed', 'partial', 'cancelled', 'failed'] as const
  const read = fc
    .record({ status: fc.constantFrom(...statuses), remains: figure, charge: figure, start_count: figure })
    .map(({ status, ...figures }) => row(status, figures))
  const unread = fc.constantFrom('not_found', 'error', 'missing', 'unreadable').map((reason): StatusRow => {
    return { ok: false, reason, message: reason }
  })
  const charge = fc.bigInt(1n, 10n ** 15n)
  fc.assert(
    fc.property(
      charge,
      fc.bigInt(1n, 2_000n),
      fc.array(fc.oneof(read, unread), { maxLength: 12 }),
      (charge, quantity, rows) => {
        let order = orderRow({ charge, quantity })
        for (const told of rows) {
          if (order.state === 'failed' || order.next_check_at === null) break
          const was = order
          order = orderAfter(order, told)
          const ended = ['completed', 'partial', 'cancelled'].includes(order.state)
          expect(order.captured + order.released).toBe(ended ? charge : 0n)
          expect(order.captured >= 0n && order.released >= 0n && order.booked_cost >= order.sunk_cost).toBe(true)
          if (was.captured + was.released > 0n) expect([order.captured, order.state]).toEqual([was.captured, was.state])
        }
      },
    ),
  )
})
