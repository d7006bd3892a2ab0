import {
  type ApiKeySuspension,
  apiKeySuspension,
  type LinkAsked,
  linkAsked,
  type SecurityNotice,
  securityNotice,
} from '#server/domains/identity/events.ts'
import {
  type OrderRefunded,
  type OrderStepTold,
  orderRefunded,
  ordersSettled,
  type RefillTold,
  refillsChanged,
  type SubscriptionStopped,
  subscriptionsStopped,
} from '#server/domains/orders/events.ts'
import {
  type BalanceAdjusted,
  balanceAdjusted,
  type DepositChanged,
  depositChanged,
} from '#server/domains/payments/events.ts'
import { unreachable } from '#server/kit/invariant.ts'
import { on, type Subscription } from '#server/platform/outbox/subscription.ts'
import { KINDS } from '../texts/kinds.ts'
import { type WebhookDisabled, webhookDisabled } from '../webhooks/events.ts'
import { deviceOf } from './device.ts'
import type { GatheredKind, Occasion, Tallies } from './gathering.ts'
import { noteOccasions } from './note-occasions.ts'
import { type Notice, notice, tellUsers } from './tell-users.ts'
import { type NewMessage, writeMessages } from './write-messages.ts'

/** What users are told of what happens elsewhere in the house. */
export const messageSubscriptions: readonly Subscription[] = [
  on(linkAsked, async (tx, app, events) => {
    writeMessages(
      tx,
      app.clock.now(),
      events.map(({ payload }) => linkMessage(payload)),
    )
  }),
  on(securityNotice, (tx, app, events) =>
    tellUsers(
      tx,
      app.clock.now(),
      events.map(({ payload }) => securityMessage(payload)),
    ),
  ),
  on(apiKeySuspension, (tx, app, events) =>
    tellUsers(
      tx,
      app.clock.now(),
      events.flatMap(({ payload }) => suspensionMessages(payload)),
    ),
  ),
  on(webhookDisabled, (tx, app, events) =>
    tellUsers(
      tx,
      app.clock.now(),
      events.map(({ payload }) => webhookMessage(payload)),
    ),
  ),
  on(balanceAdjusted, (tx, app, events) =>
    tellUsers(
      tx,
      app.clock.now(),
      events.map(({ payload, at }) => adjustmentMessage(payload, at)),
    ),
  ),
  on(depositChanged, (tx, app, events) =>
    tellUsers(
      tx,
      app.clock.now(),
      events.flatMap(({ payload, at }) => depositMessages(payload, at)),
    ),
  ),
  on(orderRefunded, (tx, app, events) =>
    tellUsers(
      tx,
      app.clock.now(),
      events.map(({ payload, at }) => refundMessage(payload, at)),
    ),
  ),
  on(refillsChanged, (tx, app, events) =>
    tellUsers(
      tx,
      app.clock.now(),
      events.flatMap(({ payload, at }) => payload.refills.flatMap((refill) => refillMessages(refill, at))),
    ),
  ),
  on(subscriptionsStopped, (tx, app, events) =>
    tellUsers(
      tx,
      app.clock.now(),
      events.flatMap(({ payload, at }) => payload.subscriptions.map((stopped) => stoppedMessage(stopped, at))),
    ),
  ),
  on(ordersSettled, async (tx, app, events) => {
    noteOccasions(
      tx,
      app.clock.now(),
      events.flatMap(({ payload }) => payload.orders.flatMap(occasionOf)),
    )
  }),
]

/** The link itself is made when the mail is written. */
function linkMessage({ link_id, user_id, purpose, email, locale }: LinkAsked): NewMessage {
  const data = { link_id: String(link_id) }
  return { key: `link:${link_id}`, channel: 'email', kind: purpose, user_id, address: email, locale, data }
}

function securityMessage({ user_id, kind, at, email, ip, user_agent }: SecurityNotice): Notice {
  // What a client calls itself is up to whoever holds it, a thief as well: only names that we know are told.
  const data = { at, device: deviceOf(user_agent), ip: ip ?? '' }
  return { key: `${KINDS[kind].topic}:${user_id}:${kind}:${at}`, user_id, kind, data, email }
}

/** That it is so no longer is told with where it was done from, as another notice. */
function suspensionMessages({ key_id, user_id, name, prefix, suspended, at }: ApiKeySuspension): Notice[] {
  if (suspended === null) return []
  const key = `api_key_suspended:${key_id}:${at}`
  return [
    notice('api_key_suspended', { key, user_id, data: { key: `${name} (${prefix}…)`, reason: suspended.reason, at } }),
  ]
}

function webhookMessage({ webhook_id, user_id, url, reason, at }: WebhookDisabled): Notice {
  const key = `webhook_disabled:${webhook_id}:${at}`
  return notice('webhook_disabled', { key, user_id, data: { endpoint: url, reason, at } })
}

function adjustmentMessage(adjusted: BalanceAdjusted, at: Date): Notice {
  const { adjustment_id, user_id, amount, asset, scale, reason } = adjusted
  const data = { amount: { amount: String(amount), asset, scale }, reason, at: at.toISOString() }
  return notice('balance_adjusted', { key: `adjustment:${adjustment_id}`, user_id, data })
}

/** Of what its customer does themselves nobody needs to tell them. */
function depositMessages(changed: DepositChanged, when: Date): Notice[] {
  const { deposit_id, user_id, state, asset, scale, credited, reference, reason } = changed
  const key = `deposit:${deposit_id}:${state}`
  const at = when.toISOString()
  const money = (amount: bigint) => ({ amount: String(amount), asset, scale })
  const asked = money(changed.amount)
  switch (state) {
    case 'approved': {
      const amount = money(credited ?? changed.amount)
      if (credited === changed.amount) {
        return [notice('deposit_approved', { key, user_id, data: { amount, reference, at } })]
      }
      const data = { amount, asked, reference, reason: reason ?? '', at }
      return [notice('deposit_corrected', { key, user_id, data })]
    }
    case 'refused':
      return [notice('deposit_refused', { key, user_id, data: { amount: asked, reference, reason: reason ?? '', at } })]
    case 'expired':
      return [notice('deposit_expired', { key, user_id, data: { amount: asked, reference, at } })]
    case 'pending':
    case 'canceled':
      return []
    default:
      return unreachable(state)
  }
}

function refundMessage(
  { refund_id, order_id, customer_id, amount, asset, scale, reason }: OrderRefunded,
  at: Date,
): Notice {
  const data = {
    amount: { amount: String(amount), asset, scale },
    order: String(order_id),
    reason,
    at: at.toISOString(),
  }
  return notice('order_refunded', { key: `refund:${refund_id}`, user_id: customer_id, data })
}

/** How a refill ended; that it was asked for and goes on nobody needs to be told. */
function refillMessages({ refill_id, order_id, customer_id, status }: RefillTold, when: Date): Notice[] {
  const data = { order: String(order_id), refill: String(refill_id), at: when.toISOString() }
  const about = { key: `refill:${refill_id}`, user_id: customer_id, data }
  switch (status) {
    case 'Completed':
      return [notice('refill_completed', about)]
    case 'Rejected':
    case 'Error':
      return [notice('refill_rejected', about)]
    case 'Pending':
    case 'In progress':
      return []
    default:
      return unreachable(status)
  }
}

/** That all posts have come, or a month without one, is a good end; that the balance did not hold the next is news. */
function stoppedMessage({ order_id, customer_id, why, posts }: SubscriptionStopped, at: Date): Notice {
  const kind = why === 'no_funds' ? 'subscription_out_of_funds' : 'subscription_ended'
  const data = { order: String(order_id), posts, at: at.toISOString() }
  return notice(kind, { key: `subscription:${order_id}:stopped`, user_id: customer_id, data })
}

/** Only what the order's customer sees: a step that they do not see is no occasion. */
function occasionOf({ order_id, customer_id, shown }: OrderStepTold): Occasion[] {
  const first = [String(order_id)]
  const of = (kind: GatheredKind, tallies: Partial<Tallies>): Occasion[] => [
    { user_id: customer_id, kind, tallies: { count: 1, partial: 0, cancelled: 0, first, ...tallies } },
  ]
  switch (shown?.status) {
    case 'Completed':
      return of('orders_completed', {})
    case 'Partial':
      return of('orders_returned', { partial: 1 })
    case 'Canceled':
      return of('orders_returned', { cancelled: 1 })
    default:
      return []
  }
}
