import { defineEvent } from '#server/platform/outbox/event.ts'
import type { OrderState, VisibleStatus } from './order.ts'
import type { ShownRefill } from './refilling/refill.ts'
import type { StopReason } from './subscriptions/subscription.ts'

/** What an event tells of one order. */
export interface OrderStepTold {
  order_id: bigint
  customer_id: bigint
  provider_id: bigint
  state: OrderState
  /** The order's version with this step done; the higher one is the newer. */
  version: bigint
  /** How the customer sees the order since. Absent where the step changed nothing that they see: then they are told nothing. */
  shown?: ShownOrder | undefined
}

/** An order as its customer sees it, in the words of their doors. `state` above is for us alone. */
export interface ShownOrder {
  status: VisibleStatus
  charge: string
  currency: string
  start_count: string | null
  remains: string
  service: string
  quantity: string
  /** The caller's own key. */
  request_id: string | null
  /** Of a run: its drip-feed, and which of its runs it is. */
  drip_feed: string | null
  run: string | null
  /** Of a post: its subscription, and which of its posts it is. */
  subscription: string | null
  post: string | null
}

/** Events tell of many orders, as the verbs that cause them change many: one row of the outbox for a batch. */
export interface OrdersEvent {
  orders: readonly OrderStepTold[]
}

const subject = ({ orders: [first, ...others] }: OrdersEvent) =>
  `order:${first?.order_id}${others.length > 0 ? ` and ${others.length} more` : ''}`

/** Orders were taken and their money held. */
export const ordersPlaced = defineEvent<OrdersEvent>('orders.placed', subject)

/** Providers took them. */
export const ordersForwarded = defineEvent<OrdersEvent>('orders.forwarded', subject)

/** They stopped and wait for a person: a provider refused, or their fate is unknown. */
export const ordersStopped = defineEvent<OrdersEvent>('orders.stopped', subject)

/** Providers reported other states that are not final. */
export const ordersProgressed = defineEvent<OrdersEvent>('orders.progressed', subject)

/** They are completed, partial or cancelled, and their money settled. */
export const ordersSettled = defineEvent<OrdersEvent>('orders.settled', subject)

/** What staff gave back of an order that had ended. */
export interface OrderRefunded {
  refund_id: bigint
  order_id: bigint
  customer_id: bigint
  /** The order's, with it. */
  version: bigint
  shown: ShownOrder
  /** Minor units, with so many digits behind the point. */
  amount: bigint
  asset: string
  scale: number
  reason: string
}

/** Captured money of an order went back to its customer. */
export const orderRefunded = defineEvent<OrderRefunded>('orders.refunded', ({ order_id }) => `order:${order_id}`)

/** A refill as its customer sees it. */
export interface RefillTold {
  refill_id: bigint
  order_id: bigint
  customer_id: bigint
  status: ShownRefill
  /** The higher one is the newer. */
  version: bigint
}

export interface RefillsEvent {
  refills: readonly RefillTold[]
}

/** What customers see of refills has changed: they were asked for, or go on, or have ended. */
export const refillsChanged = defineEvent<RefillsEvent>(
  'orders.refills_changed',
  ({ refills: [first, ...others] }) =>
    `refill:${first?.refill_id}${others.length > 0 ? ` and ${others.length} more` : ''}`,
)

/** A customer's wallet as their doors show it. */
export interface BalanceTold {
  customer_id: bigint
  /** What is theirs; `held` is the part set aside for orders under way, `available` the rest. */
  balance: string
  held: string
  available: string
  currency: string
  /** The wallet's: the higher one is the newer. */
  version: bigint
}

export interface BalancesEvent {
  wallets: readonly BalanceTold[]
}

/** Orders moved money of these customers; each wallet as it stood a moment later, many steps in one. */
export const balancesMoved = defineEvent<BalancesEvent>(
  'orders.balances_moved',
  ({ wallets: [first, ...others] }) =>
    `customer:${first?.customer_id}${others.length > 0 ? ` and ${others.length} more` : ''}`,
)

/** A subscription that the house has stopped: no more posts of it are wanted, and what was set aside for the next is back. */
export interface SubscriptionStopped {
  order_id: bigint
  customer_id: bigint
  why: StopReason
  /** Billed. */
  posts: number
}

export interface SubscriptionsEvent {
  subscriptions: readonly SubscriptionStopped[]
}

/** The house stopped subscriptions. That their customers or their providers end them is told as of all orders. */
export const subscriptionsStopped = defineEvent<SubscriptionsEvent>(
  'orders.subscriptions_stopped',
  ({ subscriptions: [first, ...others] }) =>
    `order:${first?.order_id}${others.length > 0 ? ` and ${others.length} more` : ''}`,
)

/** Staff sent them again. */
export const ordersResubmitted = defineEvent<OrdersEvent>('orders.resubmitted', subject)

/** They wait for another source than before. */
export const ordersRerouted = defineEvent<OrdersEvent>('orders.rerouted', subject)

/** What a proof of the ledger and of all orders found. `problem` is the first wrong row in words; `unproven` says why the proof did not come to an end. */
export interface BooksVerified {
  ok: boolean
  problem?: string
  unproven?: string
}

/** The books were proven, or were not. */
export const booksVerified = defineEvent<BooksVerified>('orders.books_verified')

/** For how long a balance with a provider will last. */
export interface BalanceForecast {
  provider_id: bigint
  name: string
  /** Minor units of `currency`. */
  balance: bigint
  /** Null: nothing is spent of it. */
  hours_left: number | null
  currency: string
  scale: number
}

/** A look at the balances with all providers: how they stand, not what changed, so that a look that is lost is made up for by the next. */
export const balancesForecast = defineEvent<{ providers: readonly BalanceForecast[] }>('orders.balances_forecast')
