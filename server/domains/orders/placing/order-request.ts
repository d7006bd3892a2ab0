import { z } from 'zod'
import { parseId } from '../order-id.ts'
import type { PlaceOrder } from './place-orders.ts'

/** Orders in one request. */
const ORDERS_MAX = 100

/** Ids and quantities come as text or as a whole number; all other checks are placing's, which knows the service. */
const whole = z.union([z.string().max(30), z.int().nonnegative()]).transform(String)

/** One order, as `POST /api/v1/order` takes it. */
export const orderRequest = z
  .strictObject({
    service: whole.meta({ description: 'The id of the service.' }),
    link: z.string().max(4_096).meta({ description: 'What the work is about, a web address.' }),
    quantity: whole.optional().meta({ description: 'For services of type Default.' }),
    comments: z
      .union([z.string(), z.array(z.string()).max(100_000)])
      .optional()
      .meta({ description: 'For services of type Custom Comments: one a line, or a list.' }),
    request_id: z
      .string()
      .optional()
      .meta({ description: 'Your own key, up to 128 characters: the same request under it makes one order.' }),
  })
  .meta({ example: { service: '1', link: 'https://example.com/text', quantity: '100' } })

/** Several orders, as `POST /api/v1/orders` takes them. */
export const ordersRequest = z.strictObject({ orders: z.array(orderRequest).min(1).max(ORDERS_MAX) })

/** No service has this id, so that placing says what it says of any unknown service. */
const NO_SERVICE = 0n

/** The request as placing takes it. */
export function placementOf(customer_id: bigint, request: z.output<typeof orderRequest>): PlaceOrder {
  const { comments } = request
  return {
    customer_id,
    service_id: parseId(request.service.trim()) ?? NO_SERVICE,
    link: request.link,
    quantity: request.quantity,
    comments: Array.isArray(comments) ? comments.join('\n') : comments,
    request_key: request.request_id,
  }
}
