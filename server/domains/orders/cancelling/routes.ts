import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { actorOf } from '#server/domains/identity/actor-of.ts'
import { STAFF_AREAS } from '#server/domains/identity/areas/area.ts'
import { principalOf } from '#server/domains/identity/guard-routes.ts'
import { present } from '#server/kit/invariant.ts'
import type { App } from '#server/platform/app.ts'
import { deskOrderShape, deskOrderView } from '../desk/desk-views.ts'
import { findDeskOrder } from '../desk/list-orders.ts'
import { feedShape, feedView } from '../drip-feed/feed-views.ts'
import { findDripFeed } from '../drip-feed/queries.ts'
import { parseId } from '../order-id.ts'
import { OrderNotFoundError } from '../problems.ts'
import { readStatuses } from '../read-statuses.ts'
import { anyStatusShape } from '../subscriptions/subscription-views.ts'
import { cancelAny } from './cancel-any.ts'
import { CANCEL_ORDERS_MAX, type CancelOutcome } from './cancel-orders.ts'
import { cancelRefused } from './errors.ts'

const HOW =
  '`cancelled`: at once, all the money is back. `requested`: the work has gone out and its end is asked for; what becomes of it the order’s status tells.'
const REPEATED = 'An order ends once, and a wish repeated while the first holds counts as the first.'

const outcome = z.enum(['cancelled', 'requested']).meta({ description: HOW, example: 'cancelled' })
const id = z.string().meta({ example: '23501' })
const manyIds = z.strictObject({
  orders: z
    .array(z.union([z.string().max(40), z.int()]))
    .min(1)
    .max(CANCEL_ORDERS_MAX),
})

const manyShape = z.object({
  data: z.array(
    z.object({
      id,
      ok: z.boolean(),
      outcome: outcome.nullable(),
      code: z.string().nullable().meta({ example: 'cancel_not_available' }),
    }),
  ),
})

/** Cancelling orders: one's own, and for staff those of all customers. Register it under a scope that `guardRoutes` guards. */
export function cancelRoutes(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    await server.register(ownRoutes(app))
    for (const area of STAFF_AREAS) await server.register(staffRoute(app), { prefix: `/api/${area}/orders` })
  }
}

function ownRoutes(app: App): FastifyPluginAsyncZod {
  const config = { permission: 'orders:cancel:own', rate_class: 'ordering', idempotent: REPEATED } as const
  return async (server) => {
    server.post(
      '/api/v1/orders/:id/cancel',
      {
        config,
        schema: {
          summary: 'Cancel one of my orders',
          description: `${HOW} Of a drip-feed what has not been sent is cancelled. 409 \`order_ended\`, \`cancel_not_available\`, or \`cancel_refused\` where it was refused too often.`,
          tags: ['orders'],
          params: z.object({ id }),
          response: { 200: z.object({ outcome, order: anyStatusShape }) },
        },
      },
      async (request) => {
        const customer_id = principalOf(request).user_id
        const known = await cancelOne(request.params.id, (ids) => cancelAny(app, ids, { customer_id }))
        const order = (await readStatuses(app.db, customer_id, [known.id])).get(known.id)
        return { outcome: known.how, order: present(order, 'the order is there') }
      },
    )

    server.post(
      '/api/v1/cancel',
      {
        config,
        schema: {
          summary: 'Cancel up to 100 of my orders',
          description:
            'One outcome for each, in their order; one that is refused does not fail the others. Of a drip-feed what has not been sent is cancelled.',
          tags: ['orders'],
          body: manyIds,
          response: { 200: manyShape },
        },
      },
      async (request) => {
        const spelled = request.body.orders.map(String)
        const ids = spelled.map((each) => parseId(each.trim()) ?? NO_ORDER)
        const outcomes = await cancelAny(app, ids, { customer_id: principalOf(request).user_id })
        return { data: outcomes.map((each, i) => outcomeView(spelled[i] as string, each)) }
      },
    )
  }
}

/** No order has this number. */
const NO_ORDER = 0n

function outcomeView(spelled: string, outcome: CancelOutcome): z.output<typeof manyShape>['data'][number] {
  if (outcome.ok) return { id: spelled, ok: true, outcome: outcome.how, code: null }
  return { id: spelled, ok: false, outcome: null, code: outcome.code }
}

async function cancelOne(text: string, cancel: (ids: bigint[]) => Promise<CancelOutcome[]>) {
  const order_id = parseId(text)
  if (order_id === undefined) throw new OrderNotFoundError()
  const [found] = await cancel([order_id])
  const known = present(found, 'an outcome for each order')
  if (!known.ok) throw cancelRefused(known)
  return { id: order_id, how: known.how }
}

function staffRoute(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.post(
      '/:id/cancel',
      {
        config: { permission: 'orders:cancel', idempotent: REPEATED },
        schema: {
          summary: 'Cancel a customer’s order',
          description: `${HOW} Of a drip-feed what has not been sent is cancelled. 409 \`order_ended\`, \`cancel_not_available\`, or \`cancel_refused\` where its provider refused too often.`,
          tags: ['order desk'],
          params: z.object({ id }),
          response: { 200: z.object({ outcome, order: z.union([deskOrderShape, feedShape]) }) },
        },
      },
      async (request) => {
        const staff = actorOf(request)
        const known = await cancelOne(request.params.id, (ids) => cancelAny(app, ids, { staff }))
        return { outcome: known.how, order: await deskView(app, known.id) }
      },
    )
  }
}

/** An order as staff see it; a drip-feed as its customer does. */
async function deskView(app: App, id: bigint): Promise<z.output<typeof deskOrderShape | typeof feedShape>> {
  const order = await findDeskOrder(app, id)
  return order ? deskOrderView(order) : feedView(present(await findDripFeed(app.db, id), 'what was cancelled is there'))
}
