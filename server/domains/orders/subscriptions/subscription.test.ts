import { describe, expect, test } from 'vitest'
import { NOW, orderRow } from '#test/support/order-row.ts'
import { dueStopOf, type Subscription, subscriptionStatus, termsOf } from './subscription.ts'

const PARAMS = { username: 'ada', min: '10', max: '20', delay: '30' }

const subscription = (changes: Partial<Subscription> = {}): Subscription => ({
  ...{ id: 7n, customer_id: 1n, min_quantity: 10n, max_quantity: 20n, delay_minutes: 0, posts: null, old_posts: 0 },
  ...{ expires_on: null, posts_max: 100, posts_billed: 0, last_post_at: null, standing: null, stop_reason: null },
  ...{ stopped_at: null, placed_at: NOW },
  ...changes,
})

describe('terms', () => {
  const terms = (more: Record<string, string> = {}) => termsOf({ ...PARAMS, ...more }, 100, NOW)

  test('without posts it is bounded by the house, with them by what was asked for', () => {
    expect(terms()).toEqual({
      ...{ min_quantity: 10n, max_quantity: 20n, delay_minutes: 30, posts: null, old_posts: 0, expires_on: null },
      posts_max: 100,
    })
    expect(terms({ old_posts: '5' })).toMatchObject({ posts: null, old_posts: 5, posts_max: 100 })
    expect(terms({ posts: '7', old_posts: '5' })).toMatchObject({ posts: 7, posts_max: 12 })
    expect(terms({ posts: '100' })).toMatchObject({ posts_max: 100 })
  })

  test('more than the house allows are refused, and so is a day that is over', () => {
    expect(terms({ posts: '101' })).toMatchObject({ code: 'parameter_invalid', field: 'posts', limit: 100n })
    expect(terms({ posts: '50', old_posts: '51' })).toMatchObject({ field: 'old_posts' })
    expect(terms({ old_posts: '100' })).toMatchObject({ field: 'old_posts' })
    expect(terms({ expiry: '01/01/2026' })).toMatchObject({ expires_on: '2026-01-01' })
    expect(terms({ expiry: '31/12/2025' })).toMatchObject({ code: 'parameter_invalid', field: 'expiry' })
  })
})

test.each<[Partial<Subscription>, string, string | undefined]>([
  [{}, '2026-01-01T13:00:00Z', undefined],
  [{}, '2026-01-31T11:49:59Z', undefined],
  [{}, '2026-01-31T11:50:00Z', 'no_posts'],
  [{ last_post_at: new Date('2026-01-20T00:00:00Z') }, '2026-02-18T23:00:00Z', undefined],
  [{ last_post_at: new Date('2026-01-20T00:00:00Z') }, '2026-02-19T00:00:00Z', 'no_posts'],
  [{ expires_on: '2026-01-05' }, '2026-01-06T23:59:59Z', undefined],
  [{ expires_on: '2026-01-05' }, '2026-01-07T00:00:00Z', 'expired'],
  [{ posts_billed: 99 }, '2026-01-01T13:00:00Z', undefined],
  [{ posts_billed: 100 }, '2026-01-01T13:00:00Z', 'posts_reached'],
  [{ posts_billed: 100, stop_reason: 'no_funds', stopped_at: NOW }, '2027-01-01T00:00:00Z', undefined],
])('%o at %s comes to its end: %s', (changes, at, reason) => {
  expect(dueStopOf(subscription(changes), orderRow(), new Date(at))).toBe(reason)
})

test.each<[string, Partial<Subscription>, string]>([
  ['queued', {}, 'Pending'],
  ['failed', {}, 'Pending'],
  ['unknown', {}, 'Pending'],
  ['pending', {}, 'Active'],
  ['in_progress', { standing: 'active' }, 'Active'],
  ['in_progress', { standing: 'paused' }, 'Paused'],
  ['in_progress', { stop_reason: 'no_funds' }, 'Canceled'],
  ['in_progress', { stop_reason: 'posts_reached' }, 'Completed'],
  ['in_progress', { stop_reason: 'expired' }, 'Expired'],
  ['in_progress', { stop_reason: 'no_posts' }, 'Expired'],
  ['completed', { standing: 'completed' }, 'Completed'],
  ['completed', { standing: 'expired' }, 'Expired'],
  ['completed', { standing: 'cancelled', stop_reason: 'posts_reached' }, 'Completed'],
  ['cancelled', { standing: 'cancelled' }, 'Canceled'],
  ['cancelled', {}, 'Canceled'],
])('%s with %o is shown as %s', (state, changes, status) => {
  expect(subscriptionStatus({ state: state as 'queued' }, subscription(changes))).toBe(status)
})
