import { z } from 'zod'
import { saleAmount } from '#server/domains/catalog/sale-amount.ts'
import type { LoggedCall } from '#server/domains/providers/queries.ts'
import { formatAmount } from '#server/kit/money.ts'
import type { CancelRequest } from '../cancelling/cancel-request.ts'
import { adminStatus, netCharge, visibleStatus } from '../order.ts'
import type { FormerCost } from '../order-change.ts'
import type { Attempt, OrderStep } from '../queries.ts'
import type { Refill } from '../refilling/refill.ts'
import { deskRefillShape, deskRefillView } from '../refilling/refill-views.ts'
import type { Refund } from '../refunding/refund.ts'
import { refundShape, refundView } from '../refunding/refund-views.ts'
import type { SubscriptionStanding, UnbilledPost } from '../subscriptions/queries.ts'
import { deskSubscriptionShape, deskSubscriptionView } from '../subscriptions/subscription-views.ts'
import type { DeskOrder } from './list-orders.ts'

// What staff see of an order: the truth, with all that is known of its provider. Providers' keys are masked where the calls are logged.

const amount = z.string().meta({ example: '0.90' })
const moment = z.iso.datetime().nullable()

export const deskOrderShape = z.object({
  id: z.string().meta({ example: '23501' }),
  admin_visible_status: z.string().meta({
    description: 'What staff see: the state, or more exactly why it waits.',
    example: 'failed_insufficient_balance',
  }),
  user_visible_status: z.string().meta({ description: 'What its customer sees.', example: 'Pending' }),
  state: z.string().meta({ example: 'failed' }),
  reason: z
    .string()
    .nullable()
    .meta({ description: 'Why it waits for a person, or what is odd.', example: 'bad_link' }),
  detail: z.string().nullable().meta({ example: 'The provider says: Incorrect link.' }),
  customer_id: z.string().meta({ example: '17' }),
  service_id: z.string().meta({ example: '1' }),
  provider_id: z.string().meta({ example: '1' }),
  provider_service_id: z.string().meta({ example: '4711' }),
  provider_order_id: z.string().nullable().meta({ example: '990017' }),
  provider_status: z.string().nullable().meta({ example: 'In progress' }),
  balance_check_status: z.enum(['sufficient', 'insufficient', 'unavailable']).nullable(),
  type: z.string().meta({ example: 'Default' }),
  link: z.string().meta({ example: 'https://example.com/post' }),
  quantity: z.string().meta({ example: '1000' }),
  start_count: z.string().nullable(),
  remains: z.string().nullable(),
  charge: amount.meta({ description: 'What the customer was charged at placing.' }),
  refunded: amount.meta({ description: 'Of what was captured: given back since.' }),
  net_charge: amount.meta({ description: 'What the customer pays after all that is known.' }),
  currency: z.string().meta({ example: 'USD' }),
  expected_cost: amount.meta({ description: 'What the provider is expected to take, as last about to be sent.' }),
  accepted_cost: amount
    .nullable()
    .meta({ description: 'What staff accept that it costs, above its price; null: no more than its price.' }),
  booked_cost: amount.meta({ description: 'What the provider that it is at has taken, as booked so far.' }),
  cost_currency: z.string().meta({ example: 'USD' }),
  attempts: z.number().int(),
  resubmit_count: z.number().int(),
  last_resubmit_at: moment,
  drip_feed_id: z.string().nullable().meta({ description: 'The drip-feed that it is a run of.', example: null }),
  run: z.number().int().nullable(),
  subscription_id: z.string().nullable().meta({ description: 'The subscription that it is a post of.', example: null }),
  post: z.number().int().nullable(),
  not_before: moment.meta({ description: 'When that run is due.' }),
  waiting_since: moment.meta({ description: 'Since when it is at no provider while its customer sees Pending.' }),
  placed_at: z.iso.datetime(),
  accepted_at: moment,
  finished_at: moment,
  checked_at: moment.meta({ description: 'When the provider last told how it goes.' }),
  next_check_at: moment,
  version: z.string().meta({ example: '3' }),
})

/** The order as staff see it in a list. */
export function deskOrderView(order: DeskOrder): z.output<typeof deskOrderShape> {
  const { state, reason, detail, provider_service_id, provider_order_id, provider_status, balance_check_status } = order
  const { type, link, attempts } = order
  return {
    id: String(order.id),
    admin_visible_status: adminStatus(order),
    user_visible_status: visibleStatus(state),
    ...{ state, reason, detail, provider_service_id, provider_order_id, provider_status, balance_check_status },
    ...{ type, link, attempts },
    customer_id: String(order.customer_id),
    service_id: String(order.service_id),
    provider_id: String(order.provider_id),
    quantity: String(order.quantity),
    start_count: order.start_count === null ? null : String(order.start_count),
    remains: order.remains === null ? null : String(order.remains),
    charge: saleAmount(order.charge),
    refunded: saleAmount(order.refunded),
    net_charge: saleAmount(netCharge(order)),
    currency: order.asset,
    expected_cost: costOf(order, order.expected_cost),
    accepted_cost: order.accepted_cost === null ? null : costOf(order, order.accepted_cost),
    booked_cost: costOf(order, order.booked_cost),
    cost_currency: order.cost_asset,
    resubmit_count: order.resubmits,
    last_resubmit_at: timeOf(order.last_resubmit_at),
    drip_feed_id: order.drip_feed_id === null ? null : String(order.drip_feed_id),
    run: order.run,
    subscription_id: order.subscription_id === null ? null : String(order.subscription_id),
    post: order.post,
    not_before: timeOf(order.not_before),
    waiting_since: timeOf(order.waiting_since),
    placed_at: order.placed_at.toISOString(),
    accepted_at: timeOf(order.accepted_at),
    finished_at: timeOf(order.finished_at),
    checked_at: timeOf(order.checked_at),
    next_check_at: timeOf(order.next_check_at),
    version: String(order.version),
  }
}

/** An amount of the asset that the order costs us. */
export function costOf({ cost_scale }: Pick<DeskOrder, 'cost_scale'>, minor: bigint): string {
  return amountOf({ scale: cost_scale }, minor)
}

/** An amount of an asset of so many decimal digits. */
function amountOf({ scale }: { scale: number }, minor: bigint): string {
  return formatAmount(minor, scale, Math.min(2, scale))
}

function timeOf(at: Date | null): string | null {
  return at?.toISOString() ?? null
}

const stepShape = z.object({
  version: z.string(),
  at: z.iso.datetime(),
  kind: z.string().meta({ example: 'rejected' }),
  from: z.string().nullable(),
  to: z.string().meta({ example: 'failed' }),
  by: z.string().meta({ example: 'staff:3' }),
  data: z.record(z.string(), z.unknown()).nullable(),
})

const attemptShape = z.object({
  number: z.number().int(),
  provider_id: z.string(),
  provider_service_id: z.string(),
  outcome: z.enum(['sent', 'accepted', 'rejected', 'unknown']),
  code: z.string().nullable().meta({ example: 'not_enough_funds' }),
  message: z.string().nullable(),
  provider_order_id: z.string().nullable(),
  provider_balance: amount.nullable().meta({ description: 'As last read before it was sent.' }),
  repeats: z.number().int().meta({ description: 'How often the same was sent again under its key.' }),
  started_at: z.iso.datetime(),
  ended_at: moment,
})

const formerCostShape = z.object({
  provider_id: z.string().meta({ example: '2' }),
  cost: amount,
  currency: z.string().meta({ example: 'USD' }),
})

const callShape = z.object({
  at: z.iso.datetime(),
  action: z.string().meta({ example: 'add' }),
  request: z.string(),
  response: z.string(),
  http_status: z.number().int().nullable(),
  outcome: z.string().meta({ example: 'ok' }),
  duration_ms: z.number().int(),
})

const cancelShape = z.object({
  asked_by: z.string().meta({ example: 'customer:17' }),
  asked_at: z.iso.datetime(),
  state: z.enum(['asked', 'sent', 'accepted', 'refused', 'unknown', 'dropped']).meta({
    description: '`accepted`: the provider took the wish; what became of the order its state tells.',
  }),
  attempts: z.number().int(),
  provider_id: z.string().nullable().meta({ description: 'To which provider it was sent last.', example: '1' }),
  provider_order_id: z.string().nullable(),
  code: z.string().nullable().meta({ example: 'other' }),
  message: z.string().nullable().meta({ description: 'The provider’s answer.' }),
  ended_at: moment,
})

export const deskDetailShape = deskOrderShape.extend({
  params: z.record(z.string(), z.string()),
  history: z.array(stepShape),
  attempts_made: z.array(attemptShape),
  former_costs: z.array(formerCostShape).meta({
    description: 'What providers took that it has left, beside `booked_cost`: the sale paid for these too.',
  }),
  cancel_requests: z.array(cancelShape).meta({ description: 'Wishes that its provider should end it, oldest first.' }),
  subscription: deskSubscriptionShape.nullable().meta({ description: 'Where the order is a subscription.' }),
  refills: z.array(deskRefillShape),
  refunds: z.array(refundShape),
  calls: z
    .array(callShape)
    .meta({ description: 'The latest calls to providers about it, latest first; keys are masked.' }),
})

/** What is known of an order besides its row. */
interface Known {
  history: OrderStep[]
  attempts: Attempt[]
  former_costs: (FormerCost & { scale: number })[]
  cancels: CancelRequest[]
  refills: Refill[]
  refunds: Refund[]
  calls: LoggedCall[]
  subscription: { standing: SubscriptionStanding; unbilled: UnbilledPost[] } | undefined
}

/** Everything that is known of an order. */
export function deskDetailView(
  order: DeskOrder,
  { history, attempts, former_costs, cancels, refills, refunds, calls, subscription }: Known,
): z.output<typeof deskDetailShape> {
  return {
    ...deskOrderView(order),
    params: order.params,
    history: history.map(({ version, at, kind, from_state, to_state, actor, data }) => ({
      ...{ kind, data, from: from_state, to: to_state, by: actor },
      version: String(version),
      at: at.toISOString(),
    })),
    attempts_made: attempts.map(({ number, provider_id, state, code, message, provider_order_id, ...attempt }) => ({
      ...{ number, code, message, provider_order_id, outcome: state, repeats: attempt.repeats },
      provider_id: String(provider_id),
      provider_service_id: attempt.provider_service_id,
      provider_balance: attempt.provider_balance === null ? null : amountOf(attempt, attempt.provider_balance),
      started_at: attempt.started_at.toISOString(),
      ended_at: timeOf(attempt.ended_at),
    })),
    former_costs: former_costs.map(({ provider_id, asset, cost, scale }) => ({
      provider_id: String(provider_id),
      cost: amountOf({ scale }, cost),
      currency: asset,
    })),
    cancel_requests: cancels.map(({ id: _, order_id: __, provider_id, asked_at, ended_at, ...request }) => ({
      ...request,
      provider_id: provider_id === null ? null : String(provider_id),
      asked_at: asked_at.toISOString(),
      ended_at: timeOf(ended_at),
    })),
    subscription: subscription ? deskSubscriptionView(order, subscription.standing, subscription.unbilled) : null,
    refills: refills.map(deskRefillView),
    refunds: refunds.map(refundView),
    calls: calls.map(({ at, action, request, response, http_status, outcome, duration_ms }) => ({
      ...{ action, request, response, http_status, outcome, duration_ms },
      at: at.toISOString(),
    })),
  }
}
