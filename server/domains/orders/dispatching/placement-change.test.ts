import { expect, test } from 'vitest'
import type { PlaceOutcome } from '#server/domains/providers/provider.ts'
import { NOW, orderRow } from '#test/support/order-row.ts'
import { placementChange } from './placement-change.ts'

const sent = orderRow({
  state: 'dispatching',
  provider_order_id: null,
  accepted_at: null,
  next_check_at: null,
  booked_cost: 0n,
  balance_check_status: 'sufficient',
})

const rejected = (code: Extract<PlaceOutcome, { outcome: 'rejected' }>['code']): PlaceOutcome => {
  return { outcome: 'rejected', code, message: 'no' }
}

test('an accepted order has its number, its cost and its first check', () => {
  const change = placementChange(sent, { outcome: 'accepted', provider_order_id: '9', charge: undefined }, NOW)
  expect(change.after).toMatchObject({
    state: 'pending',
    provider_order_id: '9',
    booked_cost: 500_001n,
    accepted_at: NOW,
    next_check_at: new Date(NOW.getTime() + 3_000),
  })
})

test('the charge that the provider names is the cost, on top of what was sunk; an absurd one is not', () => {
  const accepted = (charge: bigint): PlaceOutcome => ({ outcome: 'accepted', provider_order_id: '9', charge })
  expect(placementChange(sent, accepted(600_000n), NOW).after.booked_cost).toBe(600_000n)
  const again = { ...sent, sunk_cost: 5n, booked_cost: 5n }
  expect(placementChange(again, accepted(600_000n), NOW).after.booked_cost).toBe(600_005n)
  expect(placementChange(again, accepted(2n ** 62n), NOW).after.booked_cost).toBe(500_006n)
})

test.each(['not_sent', 'rate_limited'] as const)(
  '%s queues the order again, and every hundredth time a person should look',
  (code) => {
    for (const attempts of [1, 99, 101, 199]) {
      const { after, step } = placementChange({ ...sent, attempts }, rejected(code), NOW)
      expect([after.state, after.reason, after.attempt, step?.kind]).toEqual(['queued', code, null, 'postponed'])
    }
    for (const attempts of [100, 200]) {
      const { after, step } = placementChange({ ...sent, attempts }, rejected(code), NOW)
      expect([after.state, after.reason, step?.kind]).toEqual(['failed', code, 'rejected'])
    }
  },
)

test.each([
  'invalid_key',
  'service_not_found',
  'duplicate_link',
  'bad_link',
  'quantity_out_of_range',
  'bad_parameters',
  'other',
] as const)('%s fails the order for staff', (code) => {
  expect(placementChange(sent, rejected(code), NOW)).toMatchObject({
    after: { state: 'failed', reason: code, detail: 'no', attempt: null, balance_check_status: 'sufficient' },
    step: { kind: 'rejected' },
  })
})

const NEXT = { provider_id: 9n, provider_service_id: 'b', expected_cost: 4n, cost_asset: 'EUR' }

test.each(['insufficient_provider_balance', 'invalid_key', 'service_not_found', 'other'] as const)(
  '%s sends the order on to the next source, where there is one',
  (code) => {
    const { after, step } = placementChange(sent, rejected(code), NOW, NEXT)
    expect(after).toMatchObject({
      ...NEXT,
      state: 'queued',
      attempt: null,
      reason: null,
      booked_cost: 0n,
      sunk_cost: 0n,
    })
    expect(step).toMatchObject({ kind: 'rerouted', data: { code, to: { provider_id: '9', service: 'b' } } })
  },
)

test.each(['duplicate_link', 'bad_link', 'quantity_out_of_range', 'bad_parameters'] as const)(
  '%s does not, for another would refuse it too, or the order is placed',
  (code) => expect(placementChange(sent, rejected(code), NOW, NEXT).after).toMatchObject({ state: 'failed' }),
)

test('a moment’s trouble does not either, but a hundred in a row do; and what is unknown never does', () => {
  const state = (attempts: number, outcome: PlaceOutcome) =>
    placementChange({ ...sent, attempts }, outcome, NOW, NEXT).after
  expect(state(99, rejected('not_sent'))).toMatchObject({ state: 'queued', reason: 'not_sent' })
  expect(state(99, rejected('not_sent')).provider_id).toBeUndefined()
  expect(state(100, rejected('not_sent'))).toMatchObject({ state: 'queued', provider_id: 9n })
  expect(state(1, { outcome: 'unknown', reason: 'timeout', message: '' }).state).toBe('unknown')
})

test('a provider that says its balance is too small is noted as such', () => {
  expect(placementChange(sent, rejected('insufficient_provider_balance'), NOW).after).toMatchObject({
    state: 'failed',
    balance_check_status: 'insufficient',
  })
})

test.each(['timeout', 'connection_lost', 'server_error', 'unreadable_answer', 'interrupted'] as const)(
  '%s leaves the attempt in place and the fate unknown',
  (reason) => {
    const { after, step } = placementChange(sent, { outcome: 'unknown', reason, message: 'x'.repeat(900) }, NOW)
    expect(after).toEqual({ state: 'unknown', reason, detail: 'x'.repeat(500) })
    expect(step?.kind).toBe('unknown')
  },
)
