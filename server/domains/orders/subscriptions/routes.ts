import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { STAFF_AREAS } from '#server/domains/identity/areas/area.ts'
import { principalOf } from '#server/domains/identity/guard-routes.ts'
import { present } from '#server/kit/invariant.ts'
import { AMOUNT_MAX } from '#server/kit/money.ts'
import type { App } from '#server/platform/app.ts'
import { keysetCursor } from '#server/platform/http/cursor.ts'
import { cancelOrders } from '../cancelling/cancel-orders.ts'
import { cancelRefused } from '../cancelling/errors.ts'
import { parseId } from '../order-id.ts'
import { OrderNotFoundError } from '../problems.ts'
import { listSubscriptions, SUBSCRIPTIONS_PAGE_MAX } from './queries.ts'
import { anySubscription, ownSubscriptions } from './read-subscriptions.ts'
import { subscriptionShape } from './subscription-views.ts'

const params = z.object({ id: z.string().meta({ example: '23521' }) })

/** Newest first: a page begins below the subscription that ended the one before. */
const cursor = keysetCursor({ id: 'bigint' })

const page = z.object({
  limit: z.coerce.number().int().min(1).max(SUBSCRIPTIONS_PAGE_MAX).default(SUBSCRIPTIONS_PAGE_MAX),
  cursor: z.string().optional().meta({ description: 'From `next_cursor` or the Link header of the page before.' }),
})

/** Subscriptions: one's own, and for staff those of all customers. Register it under a scope that `guardRoutes` guards. */
export function subscriptionRoutes(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    await server.register(readingRoutes(app))
    await server.register(cancellingRoute(app))
    for (const area of STAFF_AREAS) await server.register(staffRoute(app), { prefix: `/api/${area}/subscriptions` })
  }
}

function readingRoutes(app: App): FastifyPluginAsyncZod {
  const config = { permission: 'orders:read:own' }
  const tags = ['orders']
  return async (server) => {
    server.get(
      '/api/v1/subscriptions',
      {
        config,
        schema: {
          summary: 'List my subscriptions',
          description: 'Newest first. They and the orders that their posts are stand in the list of orders too.',
          tags,
          querystring: page,
          response: {
            200: z.object({
              data: z.array(subscriptionShape),
              has_more: z.boolean(),
              next_cursor: z.string().nullable(),
            }),
          },
        },
      },
      async (request, reply) => {
        const { limit, cursor: given } = request.query
        const before = given === undefined ? AMOUNT_MAX : cursor.decode(given).id
        const customer_id = principalOf(request).user_id
        const { ids, has_more } = await listSubscriptions(app.db, customer_id, before, limit)
        const places = ids.map((id) => ({ id }))
        return {
          data: await ownSubscriptions(app.db, customer_id, ids),
          ...cursor.next(request, reply, places, has_more),
        }
      },
    )

    server.get(
      '/api/v1/subscriptions/:id',
      { config, schema: { summary: 'One of my subscriptions', tags, params, response: { 200: subscriptionShape } } },
      (request) => own(app, principalOf(request).user_id, idOf(request.params.id)),
    )
  }
}

function cancellingRoute(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.post(
      '/api/v1/subscriptions/:id/cancel',
      {
        config: {
          permission: 'orders:cancel:own',
          rate_class: 'ordering',
          idempotent: 'A subscription ends once, and a wish repeated while the first holds counts as the first.',
        },
        schema: {
          summary: 'Cancel one of my subscriptions',
          description:
            '`cancelled`: at once, and what was set aside is back. `requested`: its provider is asked to stop; what becomes of it its status tells. The orders that its posts have become go on. 409 `order_ended`, `cancel_not_available`, or `cancel_refused` where it was refused too often.',
          tags: ['orders'],
          params,
          response: {
            200: z.object({
              outcome: z.enum(['cancelled', 'requested']).meta({ example: 'requested' }),
              subscription: subscriptionShape,
            }),
          },
        },
      },
      async (request) => {
        const customer_id = principalOf(request).user_id
        const { id: text } = await own(app, customer_id, idOf(request.params.id))
        const id = idOf(text)
        const outcome = present((await cancelOrders(app, [id], { customer_id }))[0], 'an outcome for each order')
        if (!outcome.ok) throw cancelRefused(outcome)
        return { outcome: outcome.how, subscription: await own(app, customer_id, id) }
      },
    )
  }
}

function staffRoute(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.get(
      '/:id',
      {
        config: { permission: 'orders:read' },
        schema: {
          summary: 'A customer’s subscription, as they see it',
          description:
            'It is an order at the desk, where it is cancelled and where stands what nobody pays for; so is each of its posts: `subscription` filters by it.',
          tags: ['order desk'],
          params,
          response: { 200: subscriptionShape },
        },
      },
      async (request) => {
        const found = await anySubscription(app.db, idOf(request.params.id))
        if (!found) throw new OrderNotFoundError()
        return found
      },
    )
  }
}

function idOf(text: string): bigint {
  const id = parseId(text)
  if (id === undefined) throw new OrderNotFoundError()
  return id
}

async function own(app: App, customer_id: bigint, id: bigint): Promise<z.output<typeof subscriptionShape>> {
  const [found] = await ownSubscriptions(app.db, customer_id, [id])
  if (!found) throw new OrderNotFoundError()
  return found
}
