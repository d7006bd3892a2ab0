import { type SecurityNotice, securityNotice } from '#server/domains/identity/events.ts'
import {
  balancesMoved,
  type OrderStepTold,
  orderRefunded,
  ordersForwarded,
  ordersPlaced,
  ordersProgressed,
  ordersResubmitted,
  ordersSettled,
  ordersStopped,
  type RefillTold,
  refillsChanged,
  type ShownOrder,
} from '#server/domains/orders/events.ts'
import {
  balanceAdjusted,
  type DepositChanged,
  depositChanged,
  type WalletTold,
} from '#server/domains/payments/events.ts'
import { unreachable } from '#server/kit/invariant.ts'
import { formatAmount } from '#server/kit/money.ts'
import type { EventDefinition, StoredEvent } from '#server/platform/outbox/event.ts'
import { on, type Subscription } from '#server/platform/outbox/subscription.ts'
import type { EventTypeName } from './event-types.ts'
import { deliveriesDue } from './events.ts'
import { type News, tellWebhooks } from './tell-webhooks.ts'

/** What of the house's events customers are told, in their words alone. `wake` is called when deliveries are due. */
export function webhookSubscriptions(wake: () => void): Subscription[] {
  const telling = <Payload>(event: EventDefinition<Payload>, newsOf: (event: StoredEvent<Payload>) => News[]) =>
    on(event, async (tx, app, events) => {
      const due = await tellWebhooks(tx, app, events.flatMap(newsOf))
      if (due > 0) tx.onCommit(wake)
    })
  const changing = [ordersForwarded, ordersStopped, ordersProgressed, ordersSettled, ordersResubmitted]
  return [
    telling(ordersPlaced, (event) => ordersNews(event.payload.orders, event.at, () => 'order.created')),
    ...changing.map((event) =>
      telling(event, ({ payload, at }) => ordersNews(payload.orders, at, ({ status }) => typeOf(status))),
    ),
    telling(balancesMoved, ({ payload, at }) =>
      payload.wallets.map((wallet) => balanceNews(wallet.customer_id, wallet, at)),
    ),
    telling(balanceAdjusted, ({ payload, at }) => [balanceNews(payload.user_id, payload.wallet, at)]),
    telling(depositChanged, ({ payload, at }) => depositNews(payload, at)),
    telling(orderRefunded, ({ payload, at }) => ordersNews([payload], at, () => 'order.refunded')),
    telling(refillsChanged, ({ payload, at }) => payload.refills.map((refill) => refillNews(refill, at))),
    telling(securityNotice, ({ payload }) => [securityNews(payload)]),
    on(deliveriesDue, async (tx) => tx.onCommit(wake)),
  ]
}

type OrderTold = Pick<OrderStepTold, 'customer_id' | 'order_id' | 'version' | 'shown'>

/** Only what the customer sees makes news; where nothing of it changed, `shown` is absent. */
function ordersNews(orders: readonly OrderTold[], at: Date, typed: (shown: ShownOrder) => EventTypeName): News[] {
  return orders.flatMap(({ customer_id, order_id, version, shown }): News[] => {
    if (!shown) return []
    const data = () => ({ id: String(order_id), ...shown, version: String(version) })
    return [{ user_id: customer_id, type: typed(shown), at, data }]
  })
}

function typeOf(status: ShownOrder['status']): EventTypeName {
  switch (status) {
    case 'Pending':
    case 'Processing':
    case 'In progress':
      return 'order.updated'
    case 'Completed':
      return 'order.completed'
    case 'Partial':
      return 'order.partial'
    case 'Canceled':
      return 'order.canceled'
    default:
      return unreachable(status)
  }
}

const REFILL_TYPES: Record<RefillTold['status'], EventTypeName> = {
  Pending: 'refill.created',
  'In progress': 'refill.updated',
  Completed: 'refill.completed',
  Rejected: 'refill.rejected',
  Error: 'refill.rejected',
}

function refillNews({ refill_id, order_id, customer_id, status, version }: RefillTold, at: Date): News {
  const data = () => ({ id: String(refill_id), order: String(order_id), status, version: String(version) })
  return { user_id: customer_id, type: REFILL_TYPES[status], at, data }
}

function balanceNews(user_id: bigint, wallet: WalletTold, at: Date): News {
  const { version, balance, held, available, currency } = wallet
  const data = () => ({ balance, held, available, currency, version: String(version) })
  return { user_id, type: 'balance.changed', at, data }
}

/** The deposit, and the balance where money came onto it. */
function depositNews(changed: DepositChanged, at: Date): News[] {
  const { deposit_id, user_id, state, asset, scale, amount, credited, method, reference, reason, wallet } = changed
  const written = (sum: bigint) => formatAmount(sum, scale, 2)
  const data = () => ({
    ...{ id: String(deposit_id), state, amount: written(amount), currency: asset, method, reference, reason },
    credited: credited === null ? null : written(credited),
  })
  const type = state === 'pending' ? 'deposit.created' : (`deposit.${state}` as const)
  return [{ user_id, type, at, data }, ...(wallet ? [balanceNews(user_id, wallet, at)] : [])]
}

/** Without address and browser: a webhook's receiver may be anyone's machine. */
function securityNews({ user_id, kind, at }: SecurityNotice): News {
  return { user_id, type: 'account.security', at: new Date(at), data: () => ({ kind, at }) }
}
