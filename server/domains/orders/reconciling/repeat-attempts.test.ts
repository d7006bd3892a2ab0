import { expect, test } from 'vitest'
import type { ProviderRow } from '#server/domains/providers/provider-row.ts'
import { orderRow } from '#test/support/order-row.ts'
import type { Order } from '../order.ts'
import { mayRepeat } from './repeat-attempts.ts'
import type { CaseAttempt } from './unknown-case.ts'

const STARTED = new Date('2026-01-01T12:00:00Z')

const after = (
  seconds: number,
  attempt: Partial<CaseAttempt> = {},
  row: Partial<ProviderRow> = {},
  order: Partial<Order> = {},
) =>
  mayRepeat(
    {
      attempt: { idempotency: 'request_id', repeats: 0, started_at: STARTED, ...attempt } as CaseAttempt,
      order: orderRow(order),
    },
    {
      idempotency: 'request_id',
      idempotency_window_s: 120,
      timeout_ms: 15_000,
      enabled: true,
      paused_until: null,
      ...row,
    } as ProviderRow,
    new Date(STARTED.getTime() + seconds * 1_000),
  )

test('an order may be sent again as long as the call ends within the window', () => {
  expect(after(0)).toBe(true)
  expect(after(74)).toBe(true)
  expect(after(75)).toBe(false)
  expect(after(75, {}, { timeout_ms: 5_000 })).toBe(true)
  expect(after(75, {}, { idempotency_window_s: 3_600 })).toBe(true)
})

test.each<[string, Partial<CaseAttempt>, Partial<ProviderRow>]>([
  ['by a provider that knows no repetitions', { idempotency: 'none' }, { idempotency: 'none' }],
  ['sent before the provider was said to know keys', { idempotency: 'none' }, {}],
  ['sent before that was kept', { idempotency: null }, {}],
  ['by a provider that knows them no more', {}, { idempotency: 'none' }],
  ['by a provider that now knows them otherwise', {}, { idempotency: 'natural_window' }],
  ['by a provider that is switched off', {}, { enabled: false }],
  ['by a provider that is paused', {}, { paused_until: new Date(STARTED.getTime() + 60_000) }],
  ['so often already', { repeats: 5 }, {}],
])('an order is not sent again %s', (_, attempt, row) => {
  expect(after(1, attempt, row)).toBe(false)
})

test('a subscription is sent again only where its provider knows it by our key: it has neither link nor quantity', () => {
  const subscription = { type: 'Subscriptions' } as const
  const window = { idempotency: 'natural_window' } as const
  expect(after(1, window, window)).toBe(true)
  expect(after(1, window, window, subscription)).toBe(false)
  expect(after(1, {}, {}, subscription)).toBe(true)
})
