import { isPackage, type OrderType } from '#server/domains/providers/order-types.ts'
import { chargeFor, shareUp } from '#server/kit/money.ts'

/**
 * Where an order stands.
 * scheduled → queued: the time of a drip-feed's run has come.
 * queued → dispatching → pending → processing | in_progress → completed | partial | cancelled, as the provider tells.
 * dispatching → failed: the provider refused, nothing was placed. dispatching → unknown: it may or may not have been placed; nothing is sent or
 * refunded until that is resolved. Both wait for a person, with the money held.
 */
export const ORDER_STATES = [
  'scheduled',
  'queued',
  'dispatching',
  'unknown',
  'failed',
  'pending',
  'processing',
  'in_progress',
  'completed',
  'partial',
  'cancelled',
] as const
export type OrderState = (typeof ORDER_STATES)[number]

/** States in which every unit of the charge has been captured or released, and nothing changes any more. */
export const FINAL_STATES: readonly OrderState[] = ['completed', 'partial', 'cancelled']

/** States in which no provider has it, nor perhaps has it. */
export const WITHOUT_PROVIDER: readonly OrderState[] = ['scheduled', 'queued', 'failed']

/** States in which the provider is asked how the order goes. */
export const OPEN_STATES: readonly OrderState[] = ['pending', 'processing', 'in_progress']

/** An order as it stands in the database. Amounts are minor units: of `asset` where the customer pays, of `cost_asset` where we do. */
export interface Order {
  id: bigint
  customer_id: bigint
  /** The API key with which it was placed; null: by a session. */
  key_id: bigint | null
  service_id: bigint
  provider_id: bigint
  wallet: bigint
  hold: bigint
  quantity: bigint
  rate: bigint
  charge: bigint
  expected_cost: bigint
  /** What staff accept that it costs although that is above its price; null: no more than its price. */
  accepted_cost: bigint | null
  booked_cost: bigint
  /** The part of `booked_cost` that was paid for placements which brought nothing. */
  sunk_cost: bigint
  captured: bigint
  released: bigint
  /** Of what was captured: what staff gave back since. */
  refunded: bigint
  start_count: bigint | null
  remains: bigint | null
  version: bigint
  placed_at: Date
  accepted_at: Date | null
  finished_at: Date | null
  checked_at: Date | null
  /** When the provider is asked next: while the order is open, and after its end until its cost is confirmed. */
  next_check_at: Date | null
  /** While dispatching: when whoever took it is given up. */
  claimed_until: Date | null
  last_resubmit_at: Date | null
  /** While no provider has it: since when. Sending it again does not begin anew. */
  waiting_since: Date | null
  /** Of a drip-feed's run: when it is due; null for the first, which is due at once. */
  not_before: Date | null
  /** The drip-feed that it is a run of, and which of its runs. */
  drip_feed_id: bigint | null
  run: number | null
  /** The subscription that it is a post of, and which of its posts. */
  subscription_id: bigint | null
  post: number | null
  attempt: string | null
  attempts: number
  resubmits: number
  failed_checks: number
  asset: string
  cost_asset: string
  type: OrderType
  state: OrderState
  reason: string | null
  detail: string | null
  link: string
  params: Record<string, string>
  provider_service_id: string
  provider_order_id: string | null
  provider_status: string | null
  balance_check_status: 'sufficient' | 'insufficient' | 'unavailable' | null
  request_key: string | null
}

/** The columns of an Order, for select lists. */
export const ORDER_COLUMNS = `id, customer_id, service_id, provider_id, wallet, hold, quantity, rate, charge, expected_cost, accepted_cost,
  booked_cost, sunk_cost, captured, released, refunded, start_count, remains, version, placed_at, accepted_at, finished_at, checked_at, next_check_at,
  claimed_until, last_resubmit_at, waiting_since, attempt, attempts, resubmits, failed_checks, asset, cost_asset, type, state, reason, detail, link,
  params, provider_service_id, provider_order_id, provider_status, balance_check_status, request_key, not_before, drip_feed_id, run,
  subscription_id, post, key_id`

const CUSTOMER_COLUMNS = [
  'id',
  'service_id',
  'type',
  'link',
  'quantity',
  'params',
  'charge',
  'captured',
  'released',
  'refunded',
  'start_count',
  'remains',
  'state',
  'asset',
  'version',
  'request_key',
  'placed_at',
  'finished_at',
  'not_before',
  'drip_feed_id',
  'run',
  'subscription_id',
  'post',
] as const satisfies (keyof Order)[]

/** What the customer's views are made of: a third of the columns, and nothing of the provider. */
export type CustomerOrder = Pick<Order, (typeof CUSTOMER_COLUMNS)[number]>

/** The columns of a CustomerOrder, of the table called `name`. */
export function customerColumns(name: string): string {
  return CUSTOMER_COLUMNS.map((column) => `${name}.${column}`).join(', ')
}

/** What the column `detail` takes. */
export const DETAIL_MAX = 500

/** The `reason` of an order that staff ended by their own word, with theirs as its detail. */
export const FORCED = 'forced'

/** What may be done with an order, by its state. The one table that verbs and pages ask. */
export const orderCan = {
  /** Send it to its provider again. */
  resubmit: (order: Pick<Order, 'state'>) => order.state === 'failed',
  /** Say what became of it, when its fate at the provider is not known or it was refused. */
  resolve: (order: Pick<Order, 'state'>) => order.state === 'unknown' || order.state === 'failed',
  /** End it at once with all money back: no provider has it, and nobody is just sending it. */
  cancelAtOnce: (order: Pick<Order, 'state'>) => WITHOUT_PROVIDER.includes(order.state),
  /** Have it bought at another source: no provider has it, and nobody is just sending it. */
  move: (order: Pick<Order, 'state'>) => order.state === 'queued' || order.state === 'failed',
  /** Take over what the provider tells. */
  follow: (order: Pick<Order, 'next_check_at'>) => order.next_check_at !== null,
} as const

/** What customers see. A failed, unknown or waiting order is pending to them: their money is held and staff may still save it. */
export const VISIBLE_STATUSES = ['Pending', 'Processing', 'In progress', 'Completed', 'Partial', 'Canceled'] as const
export type VisibleStatus = (typeof VISIBLE_STATUSES)[number]

const VISIBLE: Record<OrderState, VisibleStatus> = {
  scheduled: 'Pending',
  queued: 'Pending',
  dispatching: 'Pending',
  unknown: 'Pending',
  failed: 'Pending',
  pending: 'Pending',
  processing: 'Processing',
  in_progress: 'In progress',
  completed: 'Completed',
  partial: 'Partial',
  cancelled: 'Canceled',
}

/** The customer's view of a state, in the panels' spelling. */
export function visibleStatus(state: OrderState): VisibleStatus {
  return VISIBLE[state]
}

/** The states that a customer sees as `status`: what a filter by it means. */
export function statesSeenAs(status: VisibleStatus): readonly OrderState[] {
  return ORDER_STATES.filter((state) => VISIBLE[state] === status)
}

/** What staff see: the state itself, or more exactly why it waits. */
export type AdminStatus = OrderState | 'failed_insufficient_balance' | 'resubmitted'

/** The staff's view of an order: the truth. An order that was sent again and is not yet at its provider is `resubmitted`. */
export function adminStatus(order: Pick<Order, 'state' | 'balance_check_status' | 'resubmits'>): AdminStatus {
  if (order.state === 'failed' && order.balance_check_status === 'insufficient') return 'failed_insufficient_balance'
  if ((order.state === 'queued' || order.state === 'dispatching') && order.resubmits > 0) return 'resubmitted'
  return order.state
}

/** What the customer pays after all that is known: the charge while it is held, then what was captured, less refunds. Minor units. */
export function netCharge(order: Pick<Order, 'state' | 'charge' | 'captured' | 'released' | 'refunded'>): bigint {
  return FINAL_STATES.includes(order.state) ? order.captured - order.refunded : order.charge - order.released
}

/** How many of the order's pieces are still to come, as customers see it: never below zero nor above the quantity. */
export function visibleRemains(order: Pick<Order, 'state' | 'quantity' | 'remains'>): bigint {
  if (order.state === 'completed') return 0n
  if (order.remains === null) return order.quantity
  if (order.remains < 0n) return 0n
  return order.remains > order.quantity ? order.quantity : order.remains
}

/** Whether the order is a subscription, which itself delivers nothing: its posts are orders of their own, and its charge is a reserve for the next of them. */
export function isSubscription({ type, subscription_id }: Pick<Order, 'type' | 'subscription_id'>): boolean {
  return type === 'Subscriptions' && subscription_id === null
}

/** What an order costs by being placed, when its provider does not say. A subscription costs nothing before a post comes. */
export function costOfPlacing(order: Pick<Order, 'type' | 'subscription_id' | 'expected_cost'>): bigint {
  return isSubscription(order) ? 0n : order.expected_cost
}

/** The price of `quantity` pieces: `rate` per 1000 rounded up to a minor unit; for a package, the rate itself. */
export function priceOf(type: OrderType, rate: bigint, quantity: bigint): bigint {
  return isPackage(type) ? rate * quantity : chargeFor(rate, quantity)
}

/** Beyond this, in minor units, a provider's figure is no cost but a defect; all orders of the house together stay within a bigint. */
const COST_MAX = 10n ** 15n

/** What an order has cost in all when its provider takes `charge` for the placement at hand. Undefined when it named none that makes sense. */
export function costWith(order: Pick<Order, 'sunk_cost'>, charge: bigint | undefined): bigint | undefined {
  return charge === undefined || charge < 0n || charge > COST_MAX ? undefined : order.sunk_cost + charge
}

/**
 * The part of `amount` that falls on what was delivered when `remains` of `quantity` were not. Undefined when `remains` makes no sense (more
 * than was ordered), for then no money may move. A negative figure means more was delivered than ordered: all is due.
 */
export function deliveredPart(amount: bigint, quantity: bigint, remains: bigint): bigint | undefined {
  if (remains > quantity) return undefined
  const delivered = remains < 0n ? quantity : quantity - remains
  return shareUp(amount, delivered, quantity)
}
