import { z } from 'zod'
import type { Principal } from '#server/domains/identity/principal.ts'
import { PARAM_NAMES, PARAMS, type ParamName } from '#server/domains/providers/order-types.ts'
import { parseServiceId } from '../order-id.ts'
import { describeParam, TYPES_WITH_QUANTITY, TYPES_WITHOUT_LINK } from './describe-types.ts'
import { PLACE_ORDERS_MAX } from './place-orders.ts'
import type { PlaceOrder } from './placement.ts'
import { placerOf } from './placer.ts'
import { MASS_LINES_MAX, readMassOrder } from './read-mass-order.ts'
import type { GivenParams } from './read-params.ts'
import { weightOf } from './read-rhythm.ts'

/** Orders in one request. */
const ORDERS_MAX = 100

/** A hundred lines with the longest links. */
const MASS_CHARS_MAX = 250_000

/** Ids and quantities come as text or as a whole number; all other checks are placing's, which knows the service. */
const whole = z.union([z.string().max(30), z.int().nonnegative()]).transform(String)

/** So many lines that no order has more; how many one may have, its service says. */
const LINES_MAX = 100_000

const text = z.union([z.string(), z.int().nonnegative()]).transform(String)

/** Lines come as one text or as a list, numbers as text or number; what they are worth is placing's to say. */
const params = Object.fromEntries(PARAM_NAMES.map((name) => [name, paramShape(name)])) as {
  [name in ParamName]: ReturnType<typeof paramShape>
}

function paramShape(name: ParamName) {
  const lines = PARAMS[name].kind === 'lines'
  const shape = lines ? z.union([z.string(), z.array(z.string()).max(LINES_MAX)]) : text
  return shape.optional().meta({ description: describeParam(name) })
}

/** One order, as `POST /api/v1/order` takes it. */
export const orderRequest = z
  .strictObject({
    service: whole.meta({ description: 'The id of the service.' }),
    link: z
      .string()
      .max(4_096)
      .optional()
      .meta({ description: `What the work is about, a web address. Type ${TYPES_WITHOUT_LINK} has none.` }),
    quantity: whole.optional().meta({ description: `Type ${TYPES_WITH_QUANTITY}.` }),
    ...params,
    runs: whole
      .optional()
      .meta({ description: 'For a drip-feed: how many orders of this quantity, one after another.' }),
    interval: whole.optional().meta({ description: 'For a drip-feed: minutes from one run to the next.' }),
    request_id: z
      .string()
      .optional()
      .meta({ description: 'Your own key, up to 128 characters: the same request under it makes one order.' }),
  })
  .meta({ example: { service: '1', link: 'https://example.com/text', quantity: '100' } })

/** Several orders, as `POST /api/v1/orders` takes them. */
export const ordersRequest = z.strictObject({
  orders: z
    .array(orderRequest)
    .min(1)
    .max(ORDERS_MAX)
    .refine((orders) => orders.reduce((all, order) => all + weightOf(order), 0) <= PLACE_ORDERS_MAX, {
      message: `must have no more than ${PLACE_ORDERS_MAX} orders with all runs of drip-feeds`,
    }),
})

/** Many orders as one text, as `POST /api/v1/orders/mass` takes them. */
export const massRequest = z
  .strictObject({
    orders: z
      .string()
      .max(MASS_CHARS_MAX)
      .transform((text, context) => {
        const lines = readMassOrder(text)
        if (lines !== undefined && lines.length > 0) return lines
        context.addIssue({ code: 'custom', message: `must have 1 to ${MASS_LINES_MAX} lines` })
        return z.NEVER
      })
      .meta({ description: 'One order a line: `service|link|quantity`; without a quantity where the type has none.' }),
  })
  .meta({ example: { orders: '1|https://example.com/a|100\n1|https://example.com/b|200' } })

/** The request as placing takes it. */
export function placementOf(principal: Principal, request: z.output<typeof orderRequest>): PlaceOrder {
  return {
    ...textsOf(request),
    ...placerOf(principal),
    service_id: parseServiceId(request.service),
    link: request.link ?? '',
    quantity: request.quantity,
    runs: request.runs,
    interval: request.interval,
    request_key: request.request_id,
  }
}

function textsOf(request: z.output<typeof orderRequest>): GivenParams {
  const texts: Partial<Record<ParamName, string>> = {}
  for (const name of PARAM_NAMES) {
    const value = request[name]
    if (value !== undefined) texts[name] = Array.isArray(value) ? value.join('\n') : value
  }
  return texts
}
