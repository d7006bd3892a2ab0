import type { StatusRow } from '#server/domains/providers/provider.ts'
import { unreachable } from '#server/kit/invariant.ts'
import { asUnreadable, nextCheckOf, providerFailed, unreadable } from '../following/decide-status.ts'
import { FINAL_STATES, type Order } from '../order.ts'
import type { OrderChange } from '../order-change.ts'
import type { SubscriptionChange } from './change-subscriptions.ts'
import { hasReserve } from './post-money.ts'
import { dueStopOf, endOfStopped, mustBeAsked, type Standing, type Subscription } from './subscription.ts'

type ReadRow = Extract<StatusRow, { ok: true }>

const DAY_MS = 86_400_000

/** After its end a provider may still list a post: it is asked for so long. */
const TAIL_MS = DAY_MS

/** A provider that was asked to stop and has not said for so long that it did never will: the house ends it by its own word, and staff are told. */
const PATIENCE_MS = 7 * DAY_MS

/** What a row means for a subscription and for its order. Undefined where nothing that anyone can see changes. */
export interface Decided {
  order: OrderChange | undefined
  subscription: SubscriptionChange | undefined
}

/**
 * What a provider's row means for a subscription that is followed, besides the posts in it, and what the time that has passed means. Pure. It delivers nothing itself: however it ends, what it has set
 * aside goes back, and its posts go on by themselves. The provider's figures for it move nothing.
 */
export function decideSubscription(order: Order, subscription: Subscription, row: StatusRow, now: Date): Decided {
  if (FINAL_STATES.includes(order.state)) return { order: inTail(order, now), subscription: undefined }
  const due = dueStopOf(subscription, order, now)
  const stopped: Subscription = due ? { ...subscription, stop_reason: due, stopped_at: now } : subscription
  const change = orderChange(order, stopped, readable(row), now)
  const with_stop = due || needsRelease(order, stopped) ? stopping(order, stopped, change) : change
  const standing = standingOf(row) ?? subscription.standing
  const is_same = due === undefined && standing === subscription.standing
  return {
    order: with_stop,
    subscription: is_same
      ? undefined
      : {
          before: subscription,
          after: { standing, stop_reason: stopped.stop_reason, stopped_at: stopped.stopped_at },
          state: with_stop?.after.state ?? order.state,
          ask: due !== undefined && mustBeAsked(subscription, due),
        },
  }
}

/** What of its orders nobody can read tells nothing of it either. */
function readable(row: StatusRow): StatusRow {
  const odd = row.ok && row.posts === 'unreadable'
  return odd ? asUnreadable('the row has a list of orders that cannot be read') : row
}

function inTail(order: Order, now: Date): OrderChange {
  const ended_ms = (order.finished_at ?? now).getTime()
  const goes_on = now.getTime() - ended_ms < TAIL_MS
  return { before: order, after: { checked_at: now, next_check_at: goes_on ? nextCheckOf(order, now, 0) : null } }
}

function orderChange(order: Order, subscription: Subscription, row: StatusRow, now: Date): OrderChange | undefined {
  if (subscription.stopped_at && now.getTime() - subscription.stopped_at.getTime() >= PATIENCE_MS) {
    return givenUp(order, subscription, now)
  }
  if (!row.ok) return unreadable(order, row, now)
  const seen = {
    provider_status: row.raw_status,
    failed_checks: 0,
    checked_at: now,
    next_check_at: nextCheckOf(order, now, 0),
  }
  switch (row.status) {
    case 'pending':
      return progressed(order, { ...seen, state: 'pending' })
    case 'active':
    case 'paused':
    case 'processing':
    case 'in_progress':
      return progressed(order, { ...seen, state: 'in_progress' })
    case 'completed':
    case 'expired':
    case 'partial':
    case 'cancelled':
      return ended(order, subscription, row, seen)
    case 'failed':
      // What has begun is over then; what has not, staff may still save.
      return subscription.posts_billed > 0 || subscription.stop_reason !== null
        ? ended(order, subscription, row, seen)
        : providerFailed(order, row, seen)
    default:
      return unreachable(row.status)
  }
}

function progressed(order: Order, after: OrderChange['after']): OrderChange | undefined {
  const explained = withoutOldWords(order)
  const change = { before: order, after: { ...after, ...explained } }
  if (after.state !== order.state) {
    return { ...change, step: { kind: 'progressed', data: { provider_status: after.provider_status } } }
  }
  const same = after.provider_status === order.provider_status && !('reason' in explained)
  return same ? undefined : change
}

/** What checks that told nothing left behind is over; what staff are to see stays. */
function withoutOldWords({ reason }: Order): Partial<Order> {
  return reason?.startsWith('status_') ? { reason: null, detail: null } : {}
}

function ended(order: Order, subscription: Subscription, row: ReadRow, seen: OrderChange['after']): OrderChange {
  const is_whole = row.status === 'completed' || row.status === 'expired'
  const by_row = is_whole ? 'completed' : 'cancelled'
  const state = subscription.stop_reason === null ? by_row : endOfStopped(subscription.stop_reason)
  const released = order.charge - order.released
  return {
    before: order,
    after: { ...seen, ...withoutOldWords(order), ...reserveBack(order), state },
    step: { kind: 'settled', data: { captured: '0', released: String(released), provider_status: row.raw_status } },
  }
}

/** Its provider did not say that it stopped. */
function givenUp(order: Order, subscription: Subscription, now: Date): OrderChange {
  const state = endOfStopped(subscription.stop_reason ?? 'no_posts')
  const detail = 'It was stopped, and its provider has not said since that it did.'
  const after = {
    ...reserveBack(order),
    ...{ state, checked_at: now, next_check_at: nextCheckOf(order, now, 0), reason: 'not_stopped', detail },
  }
  const data = { captured: '0', released: String(order.charge - order.released), reason: 'not_stopped' }
  return { before: order, after, step: { kind: 'settled', data } }
}

/** All of it, where some of it was not used before. */
function reserveBack({ charge }: Order): Partial<Order> {
  return { captured: 0n, released: charge }
}

/** Whether it is stopped, and something is still set aside for a post that nobody wants. */
function needsRelease(order: Order, { stop_reason }: Subscription): boolean {
  return stop_reason !== null && hasReserve(order)
}

/** Gives back what was set aside, whatever else the row means. */
function stopping(order: Order, { stop_reason }: Subscription, change: OrderChange | undefined): OrderChange {
  if (change?.after.state !== undefined && FINAL_STATES.includes(change.after.state)) return change
  const after = { ...change?.after, released: order.charge }
  const data = { stopped: stop_reason, released: String(order.charge - order.released), ...change?.step?.data }
  return { before: order, after, step: { kind: 'subscription_stopped', data } }
}

function standingOf(row: StatusRow): Standing | undefined {
  if (!row.ok) return undefined
  switch (row.status) {
    case 'pending':
    case 'active':
    case 'processing':
    case 'in_progress':
      return 'active'
    case 'paused':
    case 'completed':
    case 'expired':
    case 'cancelled':
      return row.status
    case 'partial':
    case 'failed':
      return 'cancelled'
    default:
      return unreachable(row.status)
  }
}
