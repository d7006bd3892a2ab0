import { z } from 'zod'
import { saleAmount } from '#server/domains/catalog/sale-amount.ts'
import { TYPE_NAMES } from '#server/domains/providers/order-types.ts'
import type { OrderRefusal } from './errors.ts'
import type { ShownOrder } from './events.ts'
import { type CustomerOrder, netCharge, VISIBLE_STATUSES, visibleRemains, visibleStatus } from './order.ts'
import type { OrderStep } from './queries.ts'

// What customers see of an order, and nothing else: no provider, no cost, no reason why it waits.

/** Customers' words for where an order stands. */
export const statusWord = z
  .enum(VISIBLE_STATUSES)
  .meta({ description: 'Completed, Partial and Canceled are final.', example: 'In progress' })

export const statusShape = z.object({
  id: z.string().meta({ example: '23501' }),
  status: statusWord,
  charge: z
    .string()
    .meta({ description: 'Net: after Partial what was delivered, after Canceled nothing.', example: '0.90' }),
  currency: z.string().meta({ example: 'USD' }),
  start_count: z.string().nullable(),
  remains: z.string().meta({ example: '0' }),
  version: z
    .string()
    .meta({ description: 'Grows with each change; of two answers the higher is newer.', example: '3' }),
})

export const orderShape = statusShape.extend({
  service: z.string().meta({ example: '1' }),
  type: z.enum(TYPE_NAMES).meta({ example: 'Default' }),
  link: z.string(),
  quantity: z.string().meta({ example: '1000' }),
  comments: z.string().nullable(),
  parameters: z.record(z.string(), z.string()).meta({
    description: 'What the type has besides: lines joined by line feeds.',
    example: { keywords: 'tea\nkettle' },
  }),
  drip_feed: z
    .object({
      id: z.string().meta({ example: '23511' }),
      run: z.number().int().meta({ example: 2 }),
      starts_at: z.iso.datetime().nullable().meta({ description: 'Null for the first run, which starts at once.' }),
    })
    .nullable()
    .meta({ description: 'Where the order is a run of a drip-feed: of which one.' }),
  subscription: z
    .object({ id: z.string().meta({ example: '23521' }), post: z.number().int().meta({ example: 4 }) })
    .nullable()
    .meta({ description: 'Where the order is the work for a post of a subscription: of which one.' }),
  request_id: z.string().nullable(),
  placed_at: z.iso.datetime(),
  finished_at: z.iso.datetime().nullable(),
})

export const detailShape = orderShape.extend({
  history: z.array(z.object({ at: z.iso.datetime(), status: statusWord })),
})

export const placedShape = z.object({
  id: z.string().meta({ example: '23501' }),
  charge: z.string().meta({ example: '0.90' }),
  currency: z.string().meta({ example: 'USD' }),
})

export const refusedShape = z.object({
  code: z.string().meta({ example: 'quantity_below_min' }),
  field: z.string().nullable().meta({ example: 'quantity' }),
  detail: z.string().meta({ example: 'The quantity is below the minimum of 50.' }),
  limit: z.string().optional().meta({ description: 'The limit that was missed.', example: '50' }),
  left: z.string().optional().meta({ description: 'What is left of your limit or of the key’s quota.', example: '0' }),
  resets_at: z.iso.datetime().optional().meta({ description: 'When all of it is free again.' }),
  quota: z.enum(['orders_per_day', 'spend_per_day']).optional().meta({ description: 'Of `quota_exceeded`: which.' }),
})

/** The fields of an order that customers are shown. */
type ShownFields = Pick<
  CustomerOrder,
  | 'state'
  | 'charge'
  | 'captured'
  | 'released'
  | 'refunded'
  | 'asset'
  | 'start_count'
  | 'remains'
  | 'quantity'
  | 'service_id'
  | 'request_key'
  | 'drip_feed_id'
  | 'run'
  | 'subscription_id'
  | 'post'
>

/** What events tell of the order as its customer sees it. */
export function shownOf(order: ShownFields): ShownOrder {
  return {
    status: visibleStatus(order.state),
    charge: saleAmount(netCharge(order)),
    currency: order.asset,
    start_count: order.start_count === null ? null : String(order.start_count),
    remains: String(visibleRemains(order)),
    service: String(order.service_id),
    quantity: String(order.quantity),
    request_id: order.request_key,
    drip_feed: order.drip_feed_id === null ? null : String(order.drip_feed_id),
    run: order.run === null ? null : String(order.run),
    subscription: order.subscription_id === null ? null : String(order.subscription_id),
    post: order.post === null ? null : String(order.post),
  }
}

/** How the order stands. */
export function statusView(order: CustomerOrder): z.output<typeof statusShape> {
  const { status, charge, currency, start_count, remains } = shownOf(order)
  return { id: String(order.id), status, charge, currency, start_count, remains, version: String(order.version) }
}

/** The order as it was placed, and how it stands. */
export function orderView(order: CustomerOrder): z.output<typeof orderShape> {
  return {
    ...shownOf(order),
    id: String(order.id),
    version: String(order.version),
    type: order.type,
    link: order.link,
    comments: order.params.comments ?? null,
    parameters: order.params,
    drip_feed: runOf(order),
    subscription: postOf(order),
    placed_at: order.placed_at.toISOString(),
    finished_at: order.finished_at?.toISOString() ?? null,
  }
}

function runOf({ drip_feed_id, run, not_before }: CustomerOrder): z.output<typeof orderShape>['drip_feed'] {
  if (drip_feed_id === null || run === null) return null
  return { id: String(drip_feed_id), run, starts_at: not_before?.toISOString() ?? null }
}

function postOf({ subscription_id, post }: CustomerOrder): z.output<typeof orderShape>['subscription'] {
  return subscription_id === null || post === null ? null : { id: String(subscription_id), post }
}

/** The order with the changes of its status, oldest first; steps that a customer cannot see are in none of them. */
export function detailView(
  order: CustomerOrder,
  steps: readonly Pick<OrderStep, 'at' | 'to_state'>[],
): z.output<typeof detailShape> {
  const history: { at: string; status: z.output<typeof statusWord> }[] = []
  for (const step of steps) {
    const status = visibleStatus(step.to_state)
    if (history.at(-1)?.status !== status) history.push({ at: step.at.toISOString(), status })
  }
  return { ...orderView(order), history }
}

/** What placing answers; the same again when the request is repeated. */
export function placedView(placed: { order_id: bigint; charge: bigint; asset: string }): z.output<typeof placedShape> {
  return { id: String(placed.order_id), charge: saleAmount(placed.charge), currency: placed.asset }
}

/** Why one order of many was not taken. */
export function refusedView(refusal: OrderRefusal): z.output<typeof refusedShape> {
  const { code, field = null, message: detail, limit, allowance, quota } = refusal
  const missed = { ...(limit !== undefined && { limit: String(limit) }), ...allowance }
  return { code, field, detail, ...missed, ...(quota !== undefined && { quota }) }
}
