import { z } from 'zod'
import { saleAmount } from '#server/domains/catalog/sale-amount.ts'
import { FINAL_STATES } from '../order.ts'
import { orderShape, orderView, statusShape } from '../order-views.ts'
import { figuresOf } from './drip-feed.ts'
import type { FeedStanding, FeedWithRuns } from './queries.ts'

// A drip-feed as its customer sees it: an order made of orders, with the fields that every order has.

const orders = z
  .array(z.string())
  .meta({ description: 'The orders that its runs are, in their turn.', example: ['23512', '23513', '23514'] })
const runs = z.number().int().meta({ description: 'Of a drip-feed alone: how many runs.', example: 3 })

/** How an order stands, or a drip-feed, which has two fields more. */
export const statusOrFeedShape = statusShape.extend({ runs: runs.optional(), orders: orders.optional() })

/** A drip-feed, with the figures of all its runs together. */
export const feedShape = orderShape.omit({ drip_feed: true, subscription: true }).extend({
  runs,
  orders,
  interval: z.number().int().meta({ description: 'Minutes from one run to the next.', example: 60 }),
  canceled_at: z.iso.datetime().nullable().meta({ description: 'When what had not been sent was given up.' }),
})

/** How it stands: the fields of an order, with its runs. */
export function feedStatusView({ feed, parts, orders }: FeedStanding) {
  const { status, charge, remains, start_count } = figuresOf(parts)
  return {
    id: String(feed.id),
    status,
    charge: saleAmount(charge),
    currency: parts[0]?.asset ?? '',
    start_count: start_count === null ? null : String(start_count),
    remains: String(remains),
    // Each change of a run makes its version grow, and with it the sum.
    version: String(parts.reduce((all, part) => all + part.version, 0n)),
    runs: feed.runs,
    orders: orders.map(String),
  } satisfies z.output<typeof statusOrFeedShape>
}

/** The drip-feed as it was placed, and how it stands. A drip-feed has runs: `saldo verify` holds it. */
export function feedView(found: FeedWithRuns): z.output<typeof feedShape> {
  const { feed, runs } = found
  const [first] = runs as [FeedWithRuns['runs'][number]]
  const { drip_feed: _, subscription: __, ...order } = orderView(first)
  return {
    ...order,
    ...feedStatusView({ feed, parts: runs, orders: runs.map((run) => run.id) }),
    quantity: String(figuresOf(runs).quantity),
    request_id: feed.request_key,
    placed_at: feed.placed_at.toISOString(),
    finished_at: finishedAt(runs),
    interval: feed.interval_minutes,
    canceled_at: feed.cancelled_at?.toISOString() ?? null,
  }
}

function finishedAt(runs: FeedWithRuns['runs']): string | null {
  if (!runs.every((run) => FINAL_STATES.includes(run.state))) return null
  return new Date(Math.max(...runs.map((run) => run.finished_at?.getTime() ?? 0))).toISOString()
}
