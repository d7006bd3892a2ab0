import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { actorOf } from '#server/domains/identity/actor-of.ts'
import { STAFF_AREAS } from '#server/domains/identity/areas/area.ts'
import { principalOf } from '#server/domains/identity/guard-routes.ts'
import { AMOUNT_MAX } from '#server/kit/money.ts'
import type { App } from '#server/platform/app.ts'
import { keysetCursor } from '#server/platform/http/cursor.ts'
import type { Asker } from '../asker.ts'
import { parseId } from '../order-id.ts'
import { OrderNotFoundError } from '../problems.ts'
import { cancelDripFeeds } from './cancel-drip-feeds.ts'
import { feedShape, feedView } from './feed-views.ts'
import { FEEDS_PAGE_MAX, findDripFeed, findDripFeeds, listDripFeeds } from './queries.ts'

const REPEATED = 'What was given up is given up once, and what was sent goes on.'
const HOW =
  'Its runs that have not been sent are cancelled and their money is back at once; what was sent goes on. `canceled` says how many runs that were: 0 where nothing was left.'

const params = z.object({ id: z.string().meta({ example: '23511' }) })
const cancelledShape = z.object({ canceled: z.number().int().meta({ example: 2 }), drip_feed: feedShape })

/** Newest first: a page begins below the drip-feed that ended the one before. */
const cursor = keysetCursor({ id: 'bigint' })

const page = z.object({
  limit: z.coerce.number().int().min(1).max(FEEDS_PAGE_MAX).default(FEEDS_PAGE_MAX),
  cursor: z.string().optional().meta({ description: 'From `next_cursor` or the Link header of the page before.' }),
})

/** Drip-feeds: one's own, and for staff those of all customers. Register it under a scope that `guardRoutes` guards. */
export function dripFeedRoutes(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    await server.register(readingRoutes(app))
    await server.register(cancellingRoute(app))
    for (const area of STAFF_AREAS) await server.register(staffRoutes(app), { prefix: `/api/${area}/drip-feeds` })
  }
}

function readingRoutes(app: App): FastifyPluginAsyncZod {
  const config = { permission: 'orders:read:own' }
  const tags = ['orders']
  return async (server) => {
    server.get(
      '/api/v1/drip-feeds',
      {
        config,
        schema: {
          summary: 'List my drip-feeds',
          description: 'Newest first. Their runs are in the list of orders too.',
          tags,
          querystring: page,
          response: {
            200: z.object({ data: z.array(feedShape), has_more: z.boolean(), next_cursor: z.string().nullable() }),
          },
        },
      },
      async (request, reply) => {
        const { limit, cursor: given } = request.query
        const before = given === undefined ? AMOUNT_MAX : cursor.decode(given).id
        const { feeds, has_more } = await listDripFeeds(app.db, principalOf(request).user_id, before, limit)
        const ids = feeds.map(({ feed }) => feed)
        return { data: feeds.map(feedView), ...cursor.next(request, reply, ids, has_more) }
      },
    )

    server.get(
      '/api/v1/drip-feeds/:id',
      { config, schema: { summary: 'One of my drip-feeds', tags, params, response: { 200: feedShape } } },
      (request) => ownFeed(app, principalOf(request).user_id, idOf(request.params.id)),
    )
  }
}

function cancellingRoute(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.post(
      '/api/v1/drip-feeds/:id/cancel',
      {
        config: { permission: 'orders:cancel:own', rate_class: 'ordering', idempotent: REPEATED },
        schema: {
          summary: 'Cancel what is left of one of my drip-feeds',
          description: HOW,
          tags: ['orders'],
          params,
          response: { 200: cancelledShape },
        },
      },
      async (request) => {
        const customer_id = principalOf(request).user_id
        const id = idOf(request.params.id)
        const canceled = await cancel(app, id, { customer_id })
        return { canceled, drip_feed: await ownFeed(app, customer_id, id) }
      },
    )
  }
}

function staffRoutes(app: App): FastifyPluginAsyncZod {
  const tags = ['order desk']
  return async (server) => {
    server.get(
      '/:id',
      {
        config: { permission: 'orders:read' },
        schema: {
          summary: 'A customer’s drip-feed, as they see it',
          description: 'Each of its runs is an order at the desk: `drip_feed` filters by it.',
          tags,
          params,
          response: { 200: feedShape },
        },
      },
      (request) => anyFeed(app, idOf(request.params.id)),
    )

    server.post(
      '/:id/cancel',
      {
        config: { permission: 'orders:cancel', idempotent: REPEATED },
        schema: {
          summary: 'Cancel what is left of a customer’s drip-feed',
          description: HOW,
          tags,
          params,
          response: { 200: cancelledShape },
        },
      },
      async (request) => {
        const id = idOf(request.params.id)
        const canceled = await cancel(app, id, { staff: actorOf(request) })
        return { canceled, drip_feed: await anyFeed(app, id) }
      },
    )
  }
}

function idOf(text: string): bigint {
  const id = parseId(text)
  if (id === undefined) throw new OrderNotFoundError()
  return id
}

async function ownFeed(app: App, customer_id: bigint, id: bigint) {
  const found = (await findDripFeeds(app.db, customer_id, [id])).get(id)
  if (!found) throw new OrderNotFoundError()
  return feedView(found)
}

async function anyFeed(app: App, id: bigint) {
  const found = await findDripFeed(app.db, id)
  if (!found) throw new OrderNotFoundError()
  return feedView(found)
}

async function cancel(app: App, id: bigint, by: Asker): Promise<number> {
  const [outcome] = await cancelDripFeeds(app, [id], by)
  if (!outcome) throw new OrderNotFoundError()
  return outcome.cancelled
}
