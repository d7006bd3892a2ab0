import { unreachable } from '#server/kit/invariant.ts'
import type { OrderRefusal } from '../errors.ts'
import { FINAL_STATES, OPEN_STATES, type Order } from '../order.ts'

/** More posts of one subscription than any customer wants; the setting is below it. */
export const POSTS_MAX = 1_000

/** One to which no post has come for so long is over. */
const IDLE_DAYS = 30

const DAY_MS = 86_400_000

/** What was agreed on when a subscription was placed. */
export interface SubscriptionTerms {
  /** Pieces for each post. */
  min_quantity: bigint
  max_quantity: bigint
  /** From a post to the beginning of its work. */
  delay_minutes: number
  /** New posts that its customer wants; null is without limit. */
  posts: number | null
  /** Posts that were there already. */
  old_posts: number
  /** The last day, `2030-12-31`. */
  expires_on: string | null
  /** Never are more billed. */
  posts_max: number
}

/** Why the house wants no more posts: the wallet did not hold the next one; as many as agreed on have come; its last day is over; none has come for a month; more came than were agreed on. */
export type StopReason = 'no_funds' | 'posts_reached' | 'expired' | 'no_posts' | 'too_many'

/** How it stands by its provider's word. */
export type Standing = 'active' | 'paused' | 'completed' | 'expired' | 'cancelled'

/** What an order is that is a subscription, besides being an order. */
export interface Subscription extends SubscriptionTerms {
  id: bigint
  customer_id: bigint
  posts_billed: number
  last_post_at: Date | null
  standing: Standing | null
  stop_reason: StopReason | null
  stopped_at: Date | null
  placed_at: Date
}

/** The columns of a Subscription, of the table called `name`. */
export function subscriptionColumns(name: string): string {
  const days = `to_char(${name}.expires_on, 'YYYY-MM-DD') as expires_on`
  const columns = [
    ...['id', 'customer_id', 'min_quantity', 'max_quantity', 'delay_minutes', 'posts', 'old_posts', 'posts_max'],
    ...['posts_billed', 'last_post_at', 'standing', 'stop_reason', 'stopped_at', 'placed_at'],
  ]
  return [...columns.map((column) => `${name}.${column}`), days].join(', ')
}

/** What customers see: the panels' words for subscriptions, and Pending while no provider has it. */
export const SUBSCRIPTION_STATUSES = ['Pending', 'Active', 'Paused', 'Completed', 'Expired', 'Canceled'] as const
export type SubscriptionStatus = (typeof SUBSCRIPTION_STATUSES)[number]

/** How a subscription stands for its customer. One that the house has stopped is over for them, whenever its provider says so. */
export function subscriptionStatus(
  { state }: Pick<Order, 'state'>,
  { standing, stop_reason }: Pick<Subscription, 'standing' | 'stop_reason'>,
): SubscriptionStatus {
  if (state === 'completed' && standing === 'expired') return 'Expired'
  if (stop_reason !== null) return STOPPED[stop_reason]
  if (state === 'completed') return 'Completed'
  if (FINAL_STATES.includes(state)) return 'Canceled'
  if (!OPEN_STATES.includes(state)) return 'Pending'
  return standing === 'paused' ? 'Paused' : 'Active'
}

const STOPPED: Readonly<Record<StopReason, SubscriptionStatus>> = {
  no_funds: 'Canceled',
  posts_reached: 'Completed',
  too_many: 'Completed',
  expired: 'Expired',
  no_posts: 'Expired',
}

/** The state in which a subscription ends that the house has stopped. */
export function endOfStopped(reason: StopReason): 'completed' | 'cancelled' {
  switch (reason) {
    case 'no_funds':
      return 'cancelled'
    case 'posts_reached':
    case 'too_many':
    case 'expired':
    case 'no_posts':
      return 'completed'
    default:
      return unreachable(reason)
  }
}

/**
 * What a subscription with these parameters, as `readParams` made them, is bounded by; `posts_cap` is the house's own bound. Pure. Refused where more posts are asked for than that, and where
 * its last day is over.
 */
export function termsOf(
  params: Readonly<Record<string, string>>,
  posts_cap: number,
  now: Date,
): SubscriptionTerms | OrderRefusal {
  const posts = params.posts === undefined ? null : Number(params.posts)
  const old_posts = Number(params.old_posts ?? 0)
  const wanted = (posts ?? 1) + old_posts
  if (wanted > posts_cap) {
    const field = (posts ?? 1) > posts_cap ? 'posts' : 'old_posts'
    const message = `${field}: a subscription has ${posts_cap} posts at the most, old ones among them.`
    return { code: 'parameter_invalid', field, message, limit: BigInt(posts_cap) }
  }
  const expires_on = params.expiry === undefined ? null : params.expiry.split('/').reverse().join('-')
  if (expires_on !== null && endOf(expires_on) <= now.getTime()) {
    return { code: 'parameter_invalid', field: 'expiry', message: 'expiry: the last day must not be over.' }
  }
  return {
    min_quantity: BigInt(params.min ?? 1),
    max_quantity: BigInt(params.max ?? 1),
    delay_minutes: Number(params.delay ?? 0),
    posts,
    old_posts,
    expires_on,
    posts_max: posts === null ? posts_cap : wanted,
  }
}

/** Why a subscription should come to its end now, by what is known of it; undefined when it should not. Pure. Its last day is left a day, for clocks and zones differ. */
export function dueStopOf(
  subscription: Subscription,
  { accepted_at, placed_at }: Pick<Order, 'accepted_at' | 'placed_at'>,
  now: Date,
): StopReason | undefined {
  const { posts_billed, posts_max, expires_on, last_post_at, stop_reason } = subscription
  if (stop_reason !== null) return undefined
  if (posts_billed >= posts_max) return 'posts_reached'
  if (expires_on !== null && now.getTime() >= endOf(expires_on) + DAY_MS) return 'expired'
  const last = last_post_at ?? accepted_at ?? placed_at
  return now.getTime() - last.getTime() >= IDLE_DAYS * DAY_MS ? 'no_posts' : undefined
}

/** Whether its provider has to be asked to stop: one that was asked for so many posts knows by itself, until it shows that it does not. */
export function mustBeAsked({ posts }: Pick<Subscription, 'posts'>, reason: StopReason): boolean {
  return reason !== 'posts_reached' || posts === null
}

/** The end of a day, by UTC. */
function endOf(day: string): number {
  return Date.parse(`${day}T00:00:00Z`) + DAY_MS
}
