import { z } from 'zod'
import { saleAmount } from '#server/domains/catalog/sale-amount.ts'
import { formatAmount } from '#server/kit/money.ts'
import { statusOrFeedShape } from '../drip-feed/feed-views.ts'
import { type CustomerOrder, netCharge, VISIBLE_STATUSES } from '../order.ts'
import { orderShape, statusShape } from '../order-views.ts'
import type { SubscriptionStanding, UnbilledPost } from './queries.ts'
import { SUBSCRIPTION_STATUSES, subscriptionStatus } from './subscription.ts'

// A subscription as its customer sees it: in the panels' words, with what its posts come to.

const posts = z.number().int().meta({ description: 'Of a subscription alone: how many posts so far.', example: 2 })
const orders = z
  .array(z.string())
  .meta({ description: 'The orders that its runs or posts are, in their turn.', example: ['23512', '23513'] })

/** Customers' words for where a subscription stands. */
const subscriptionWord = z.enum(SUBSCRIPTION_STATUSES).meta({
  description: 'Completed, Expired and Canceled are final: no more posts are taken. Its orders go on by themselves.',
  example: 'Active',
})

/** How an order stands, or a drip-feed, or a subscription. */
export const anyStatusShape = statusOrFeedShape.extend({
  status: z.enum([...new Set([...VISIBLE_STATUSES, ...SUBSCRIPTION_STATUSES])]).meta({
    description:
      'Completed, Partial and Canceled are final. A subscription is Pending, Active, Paused, Completed, Expired or Canceled.',
    example: 'In progress',
  }),
  posts: posts.optional(),
  orders: orders.optional(),
})

/** A subscription, with the figures of all its posts together. */
export const subscriptionShape = statusShape.pick({ id: true, currency: true, version: true }).extend({
  ...orderShape.pick({ service: true, request_id: true, placed_at: true, finished_at: true }).shape,
  status: subscriptionWord,
  charge: z.string().meta({ description: 'Net, of all its posts together.', example: '1.80' }),
  reserved: z.string().meta({ description: 'Set aside for the next post.', example: '0.90' }),
  remains: z.string().meta({ description: 'Of its posts: what is still to come.', example: '40' }),
  posts,
  posts_max: z.number().int().meta({ description: 'Never are more billed.', example: 100 }),
  orders,
  username: z.string().meta({ example: 'ada' }),
  min: z.string().meta({ example: '10' }),
  max: z.string().meta({ example: '20' }),
  delay: z.number().int().meta({ description: 'Minutes.', example: 30 }),
  new_posts: z.number().int().nullable().meta({ description: 'How many were asked for; null is without limit.' }),
  old_posts: z.number().int().meta({ example: 0 }),
  expiry: z.iso.date().nullable().meta({ description: 'The last day.' }),
  stop_reason: z.enum(['no_funds', 'posts_reached', 'too_many', 'expired', 'no_posts']).nullable().meta({
    description:
      'Why we stopped it: the balance did not hold the next post; all posts have come; more came than were agreed on; its last day is over; no post has come for 30 days.',
    example: null,
  }),
  stopped_at: z.iso.datetime().nullable(),
})

/** How it stands: the fields of an order, with its posts. */
export function subscriptionStatusView(order: CustomerOrder, standing: SubscriptionStanding) {
  return {
    id: String(order.id),
    status: subscriptionStatus(order, standing.subscription),
    charge: saleAmount(standing.charge),
    currency: order.asset,
    start_count: null,
    remains: String(standing.remains),
    // Each change of a post makes its version grow, and with it the sum.
    version: String(order.version + standing.version),
    posts: standing.orders.length,
    orders: standing.orders.map(String),
  } satisfies z.output<typeof anyStatusShape>
}

/** The subscription as it was placed, and how it stands. */
export function subscriptionView(
  order: CustomerOrder,
  standing: SubscriptionStanding,
): z.output<typeof subscriptionShape> {
  const { subscription } = standing
  const { start_count: _, ...status } = subscriptionStatusView(order, standing)
  return {
    ...status,
    service: String(order.service_id),
    request_id: order.request_key,
    placed_at: order.placed_at.toISOString(),
    finished_at: (order.finished_at ?? subscription.stopped_at)?.toISOString() ?? null,
    reserved: saleAmount(netCharge(order)),
    posts_max: subscription.posts_max,
    username: order.link,
    min: String(subscription.min_quantity),
    max: String(subscription.max_quantity),
    delay: subscription.delay_minutes,
    new_posts: subscription.posts,
    old_posts: subscription.old_posts,
    expiry: subscription.expires_on,
    stop_reason: subscription.stop_reason,
    stopped_at: subscription.stopped_at?.toISOString() ?? null,
  }
}

/** What staff see besides: what nobody pays us for. */
export const deskSubscriptionShape = z.object({
  status: subscriptionWord,
  provider_standing: z.string().nullable().meta({ description: 'By its provider’s last word.', example: 'active' }),
  posts_billed: z.number().int(),
  posts_max: z.number().int(),
  last_post_at: z.iso.datetime().nullable(),
  stop_reason: z.string().nullable(),
  stopped_at: z.iso.datetime().nullable(),
  orders: z.array(z.string()),
  unbilled: z
    .array(
      z.object({
        provider_order_id: z.string(),
        why: z.enum(['no_funds', 'too_many', 'another_order']),
        cost: z.string().meta({ example: '0.50' }),
        currency: z.string().meta({ example: 'USD' }),
        seen_at: z.iso.datetime(),
      }),
    )
    .meta({ description: 'What its provider lists and nobody pays us for; its cost is in `booked_cost`.' }),
})

/** The subscription as staff see it, at its order. */
export function deskSubscriptionView(
  order: Pick<CustomerOrder, 'state'>,
  { subscription, orders: all }: SubscriptionStanding,
  unbilled: readonly UnbilledPost[],
): z.output<typeof deskSubscriptionShape> {
  return {
    status: subscriptionStatus(order, subscription),
    provider_standing: subscription.standing,
    posts_billed: subscription.posts_billed,
    posts_max: subscription.posts_max,
    last_post_at: subscription.last_post_at?.toISOString() ?? null,
    stop_reason: subscription.stop_reason,
    stopped_at: subscription.stopped_at?.toISOString() ?? null,
    orders: all.map(String),
    unbilled: unbilled.map(({ provider_order_id, why, cost, asset, scale, seen_at }) => ({
      ...{ provider_order_id, why, currency: asset },
      cost: formatAmount(cost, scale, Math.min(2, scale)),
      seen_at: seen_at.toISOString(),
    })),
  }
}
