import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { actorOf } from '#server/domains/identity/actor-of.ts'
import { STAFF_AREAS } from '#server/domains/identity/areas/area.ts'
import type { Providers } from '#server/domains/providers/registry.ts'
import type { App } from '#server/platform/app.ts'
import { keysetCursor } from '#server/platform/http/cursor.ts'
import { idText } from '#server/platform/http/id-text.ts'
import { parseId } from '../order-id.ts'
import { OrderNotFoundError } from '../problems.ts'
import { deskDetailShape, deskOrderShape, deskOrderView } from './desk-views.ts'
import { filterFields, filterOf, filterQuery } from './filter-fields.ts'
import { forceRoutes } from './force-routes.ts'
import { COUNTED_MAX, countOrders, DESK_PAGE_MAX, findDeskOrder, listOrders, SORTS } from './list-orders.ts'
import { moveOrder } from './move-order.ts'
import { moveRefused, resolutionRefused } from './problems.ts'
import { readDeskDetail } from './read-desk-detail.ts'
import { resolveOrder } from './resolve-order.ts'
import { resubmitRoutes } from './resubmit-routes.ts'

const tags = ['order desk']
const PAGE_DEFAULT = 20

/** A page begins behind the order that ended the one before. */
const cursor = keysetCursor({ at: 'timestamp', id: 'bigint' })

const listQuery = z.object({
  ...filterFields,
  sort: z
    .enum(SORTS)
    .default('newest')
    .meta({ description: '`waiting`: those that wait for a provider or for staff, longest first, and these alone.' }),
  limit: z.coerce.number().int().min(1).max(DESK_PAGE_MAX).default(PAGE_DEFAULT),
  cursor: z.string().optional().meta({ description: 'From `next_cursor` or the Link header of the page before.' }),
})

/** The order desk, at the doors of all areas of staff: what each may see and do, their permissions say. Register it under a scope that `guardRoutes` guards. */
export function deskRoutes(app: App, providers: Providers): FastifyPluginAsyncZod {
  return async (server) => {
    for (const area of STAFF_AREAS) {
      const prefix = `/api/${area}/orders`
      await server.register(listRoutes(app), { prefix })
      await server.register(detailRoutes(app), { prefix })
      await server.register(resolvingRoute(app), { prefix })
      await server.register(movingRoute(app), { prefix })
      await server.register(forceRoutes(app), { prefix })
      await server.register(resubmitRoutes(app, providers), { prefix })
    }
  }
}

function listRoutes(app: App): FastifyPluginAsyncZod {
  const config = { permission: 'orders:read' }
  return async (server) => {
    server.get(
      '',
      {
        config,
        schema: {
          summary: 'List all orders',
          description: 'As staff see them: `admin_visible_status` is the truth. Newest first, unless sorted otherwise.',
          tags,
          querystring: listQuery,
          response: {
            200: z.object({ data: z.array(deskOrderShape), has_more: z.boolean(), next_cursor: z.string().nullable() }),
          },
        },
      },
      async (request, reply) => {
        const { limit, sort, cursor: given } = request.query
        const behind = given === undefined ? undefined : cursor.decode(given)
        const { orders, has_more } = await listOrders(app, filterOf(request.query), { sort, behind, limit })
        return { data: orders.map(deskOrderView), ...cursor.next(request, reply, orders, has_more) }
      },
    )

    server.get(
      '/counts',
      {
        config,
        schema: {
          summary: 'Count orders by state',
          description: `Of those that pass the filter, the newest ${COUNTED_MAX}; \`complete\` says whether there are no more.`,
          tags,
          querystring: filterQuery,
          response: {
            200: z.object({
              data: z.array(z.object({ state: z.string().meta({ example: 'failed' }), orders: z.number().int() })),
              complete: z.boolean(),
            }),
          },
        },
      },
      async (request) => {
        const { counts, complete } = await countOrders(app, filterOf(request.query))
        return { data: counts, complete }
      },
    )
  }
}

function detailRoutes(app: App): FastifyPluginAsyncZod {
  const config = { permission: 'orders:read' }
  const params = z.object({ id: z.string().meta({ example: '23501' }) })
  const schema = { tags, params, response: { 200: deskDetailShape } }
  const detail = async (text: string) => {
    const id = parseId(text)
    const order = id && (await findDeskOrder(app, id))
    if (!order) throw new OrderNotFoundError()
    return readDeskDetail(app, order)
  }
  return async (server) => {
    server.get('/:id', { config, schema: { ...schema, summary: 'Everything about one order' } }, (request) =>
      detail(request.params.id),
    )
    server.get(
      '/admin-status/:id',
      { config, schema: { ...schema, summary: 'How one order stands, with its history and the provider’s answers' } },
      (request) => detail(request.params.id),
    )
  }
}

const resolution = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('placed'), provider_order_id: z.string().trim().min(1).max(200) }),
  z.strictObject({ kind: z.literal('resend') }),
  z.strictObject({ kind: z.literal('refund') }),
])

function resolvingRoute(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.post(
      '/:id/resolve',
      {
        config: {
          permission: 'orders:resolve',
          idempotent: 'Of two who resolve an order, the second is told that it waits no more.',
        },
        schema: {
          summary: 'Say what became of an order that failed or whose fate is unknown',
          description:
            '`placed`: it was placed, as the provider’s number. `resend`: it was not, and is sent again. `refund`: it is cancelled and the customer gets all of the money back. 409 `order_not_waiting` where it waits no more.',
          tags,
          params: z.object({ id: z.string() }),
          body: resolution,
          response: { 200: deskOrderShape },
        },
      },
      async (request) => {
        const id = parseId(request.params.id)
        if (id === undefined) throw new OrderNotFoundError()
        const outcome = await resolveOrder(app, id, request.body, actorOf(request))
        if (!outcome.ok) throw resolutionRefused(outcome)
        const order = await findDeskOrder(app, id)
        if (!order) throw new OrderNotFoundError()
        return deskOrderView(order)
      },
    )
  }
}

const number = idText().transform(BigInt)

function movingRoute(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.put(
      '/:id/source',
      {
        config: { permission: 'orders:resolve' },
        schema: {
          summary: 'Have a queued or failed order bought at a source of your choice',
          description:
            'One of its service’s, on offer and without a loss. 409 `order_not_movable` for an order that a provider has or may have; `source_not_usable`, also while its provider is switched off or paused for longer, or it is in quarantine, which the detail says: nothing stays there then.',
          tags,
          params: z.object({ id: number }),
          body: z.strictObject({
            source_id: number.meta({ description: 'The row of the catalogue.', example: '31' }),
          }),
          response: { 200: deskOrderShape },
        },
      },
      async (request) => {
        const { id } = request.params
        const outcome = await moveOrder(app, id, request.body.source_id, actorOf(request))
        if (!outcome.ok) throw moveRefused(outcome)
        const order = await findDeskOrder(app, id)
        if (!order) throw new OrderNotFoundError()
        return deskOrderView(order)
      },
    )
  }
}
