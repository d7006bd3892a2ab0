import { expect, test } from 'vitest'
import type { StatusRow } from '#server/domains/providers/provider.ts'
import { told } from '#test/support/order-book.ts'
import { NOW, orderRow } from '#test/support/order-row.ts'
import { decideStatus } from '../following/decide-status.ts'
import type { Order } from '../order.ts'
import { decideSubscription } from './decide-subscription.ts'
import type { Subscription } from './subscription.ts'

const DAY_MS = 86_400_000

const parent = (changes: Partial<Order> = {}) => {
  return orderRow({ type: 'Subscriptions', booked_cost: 0n, quantity: 20n, link: 'ada', ...changes })
}

const TERMS: Subscription = {
  ...{ id: 7n, customer_id: 1n, min_quantity: 10n, max_quantity: 20n, delay_minutes: 0, posts: null, old_posts: 0 },
  ...{ expires_on: null, posts_max: 100, posts_billed: 3, last_post_at: NOW, standing: null, stop_reason: null },
  ...{ stopped_at: null, placed_at: NOW },
}

const decide = (row: StatusRow, order: Partial<Order> = {}, terms: Partial<Subscription> = {}, now = NOW) =>
  decideSubscription(parent(order), { ...TERMS, ...terms }, row, now)

test.each([
  ['completed', 'completed', 'completed'],
  ['expired', 'completed', 'expired'],
  ['cancelled', 'cancelled', 'cancelled'],
  ['partial', 'cancelled', 'cancelled'],
  ['failed', 'cancelled', 'cancelled'],
] as const)(
  '%s ends it as %s, with all back that was set aside, whatever figures are told',
  (status, state, standing) => {
    const { order, subscription } = decide(told(status, { charge: 5n, remains: 3n, start_count: 9n }))
    expect(order?.after).toMatchObject({ state, captured: 0n, released: 900_001n, provider_status: status })
    expect(order?.after.booked_cost).toBeUndefined()
    expect(order?.step).toMatchObject({ kind: 'settled', data: { released: '900001' } })
    expect(subscription?.after).toMatchObject({ standing })
  },
)

test('what the provider calls failed before any post waits for staff, who may still save it', () => {
  const { order } = decide(told('failed'), {}, { posts_billed: 0 })
  expect(order?.after).toMatchObject({ state: 'failed', reason: 'provider_failed' })
  expect(order?.after.released).toBeUndefined()
})

test.each(['active', 'paused', 'in_progress', 'processing'] as const)('%s is under way', (status) => {
  const { order, subscription } = decide(told(status, { charge: 5n }))
  expect(order?.after).toMatchObject({ state: 'in_progress', failed_checks: 0 })
  expect(order?.after.booked_cost).toBeUndefined()
  expect(subscription?.after.standing).toBe(status === 'paused' ? 'paused' : 'active')
})

test('the same again changes nothing', () => {
  const same = decide(told('active'), { state: 'in_progress', provider_status: 'active' }, { standing: 'active' })
  expect(same).toEqual({ order: undefined, subscription: undefined })
})

test('what staff are to see outlives checks, and what an unreadable row left behind does not', () => {
  const kept = decide(told('paused'), { reason: 'post_not_covered', detail: 'x' }).order?.after
  expect(kept).not.toHaveProperty('reason')
  expect(decide(told('paused'), { reason: 'status_missing', detail: 'x' }).order?.after).toMatchObject({ reason: null })
})

test('a list of orders that cannot be read makes the row unreadable, for a subscription alone', () => {
  const row: StatusRow = { ...told('cancelled'), posts: 'unreadable' } as StatusRow
  expect(decide(row).order?.after).toMatchObject({ failed_checks: 1 })
  expect(decide(row).order?.after.state).toBeUndefined()
  expect(decideStatus(orderRow(), row, NOW)?.after).toMatchObject({ state: 'cancelled' })
})

test.each(['active', 'paused', 'expired'] as const)(
  '%s is no word for an order that is none, and moves nothing',
  (status) => {
    const change = decideStatus(orderRow(), told(status), NOW)
    expect(change?.after).toMatchObject({ failed_checks: 1 })
    expect(change?.after.state).toBeUndefined()
  },
)

test.each([
  ['no_posts', {}, 30 * DAY_MS, true],
  ['expired', { expires_on: '2026-01-02' }, 3 * DAY_MS, true],
  ['posts_reached', { posts_billed: 100 }, 0, true],
  ['posts_reached', { posts_billed: 3, posts_max: 3, posts: 3 }, 0, false],
] as const)('%s stops it, gives back what was set aside, and asks its provider', (reason, terms, after_ms, ask) => {
  const now = new Date(NOW.getTime() + after_ms)
  const rows: StatusRow[] = [told('active'), { ok: false, reason: 'missing', message: 'nothing' }]
  for (const row of rows) {
    const { order, subscription } = decide(row, {}, terms, now)
    expect(order).toMatchObject({ after: { released: 900_001n }, step: { kind: 'subscription_stopped' } })
    expect(order?.after.state).not.toBe('completed')
    expect(subscription).toMatchObject({ after: { stop_reason: reason, stopped_at: now }, ask })
  }
})

test('one that was stopped ends as it was stopped, whatever word its provider has for that', () => {
  const stopped = { stop_reason: 'no_funds', stopped_at: NOW } as const
  expect(decide(told('completed'), { released: 900_001n }, stopped).order?.after).toMatchObject({ state: 'cancelled' })
  const full = { stop_reason: 'posts_reached', stopped_at: NOW } as const
  expect(decide(told('cancelled'), { released: 900_001n }, full).order).toMatchObject({
    after: { state: 'completed', released: 900_001n },
    step: { data: { released: '0' } },
  })
})

test('what posts left set aside when it was stopped goes back with the next check', () => {
  const { order, subscription } = decide(told('active'), {}, { stop_reason: 'too_many', stopped_at: NOW })
  expect(order).toMatchObject({ after: { released: 900_001n }, step: { kind: 'subscription_stopped' } })
  expect(subscription?.ask ?? false).toBe(false)
})

test('a provider that does not say that it stopped is waited for a week', () => {
  const stopped = { stop_reason: 'no_posts', stopped_at: NOW } as const
  const after = (days: number) =>
    decide(told('active'), { released: 900_001n }, stopped, new Date(NOW.getTime() + days * DAY_MS)).order?.after
  expect(after(6.9)?.state).toBe('in_progress')
  expect(after(7)).toMatchObject({ state: 'completed', reason: 'not_stopped', released: 900_001n })
})

test('after its end it is asked about for a day, and nothing changes any more', () => {
  const ended = { state: 'cancelled', released: 900_001n, finished_at: NOW } as const
  const at = (hours: number) => decide(told('active'), ended, {}, new Date(NOW.getTime() + hours * 3_600_000))
  expect(at(23).order?.after.next_check_at).toBeInstanceOf(Date)
  expect(at(23).order?.after.state).toBeUndefined()
  expect(at(24)).toMatchObject({ order: { after: { next_check_at: null } }, subscription: undefined })
})
