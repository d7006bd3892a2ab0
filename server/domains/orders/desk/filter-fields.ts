import { z } from 'zod'
import { idText } from '#server/platform/http/id-text.ts'
import { ORDER_STATES, statesSeenAs, VISIBLE_STATUSES } from '../order.ts'
import type { OrderFilter } from './list-orders.ts'

const number = idText().transform(BigInt)
const moment = z.iso.datetime({ offset: true })

/** What the list, its counts and its export are filtered by, as it comes in. */
export const filterFields = {
  state: z
    .string()
    .transform((text) => text.split(','))
    .pipe(z.array(z.enum(ORDER_STATES)).max(ORDER_STATES.length))
    .optional()
    .meta({ description: `One or several, joined by commas: ${ORDER_STATES.join(', ')}.`, example: 'failed,unknown' }),
  user_visible_status: z
    .enum(VISIBLE_STATUSES)
    .optional()
    .meta({ description: 'As its customer sees it; `state`, where it is given, is more exact and counts instead.' }),
  customer: number.optional(),
  service: number.optional(),
  provider: number.optional(),
  provider_order: z.string().min(1).max(200).optional().meta({ description: 'The provider’s number of it.' }),
  drip_feed: number.optional().meta({ description: 'The runs of this drip-feed.' }),
  subscription: number.optional().meta({ description: 'The posts of this subscription.' }),
  reason: z.string().min(1).max(60).optional().meta({ example: 'insufficient_balance' }),
  from: moment.optional().meta({ description: 'Placed at this moment or later.' }),
  to: moment.optional().meta({ description: 'Placed before this.' }),
}

/** The same as a query. */
export const filterQuery = z.object(filterFields)
/** What is looked for. */
export function filterOf(query: z.output<typeof filterQuery>): OrderFilter {
  const { state, user_visible_status, customer, service, provider, provider_order, drip_feed, reason, from, to } = query
  const { subscription } = query
  return {
    states: state ?? (user_visible_status && statesSeenAs(user_visible_status)),
    customer_id: customer,
    service_id: service,
    provider_id: provider,
    provider_order_id: provider_order,
    drip_feed_id: drip_feed,
    subscription_id: subscription,
    reason,
    from: from === undefined ? undefined : new Date(from),
    to: to === undefined ? undefined : new Date(to),
  }
}
