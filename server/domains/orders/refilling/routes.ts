import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { principalOf } from '#server/domains/identity/guard-routes.ts'
import { present } from '#server/kit/invariant.ts'
import type { App } from '#server/platform/app.ts'
import { keysetCursor } from '#server/platform/http/cursor.ts'
import { idText } from '#server/platform/http/id-text.ts'
import { once } from '#server/platform/idempotency/once.ts'
import { IDS_MAX, idsOf, readIdList } from '../id-list.ts'
import { parseId } from '../order-id.ts'
import { OrderNotFoundError, TooManyIdsError } from '../problems.ts'
import { RefillNotFoundError, refillRefused } from './errors.ts'
import { findRefills, listRefills, REFILLS_PAGE_MAX } from './queries.ts'
import { refillStatesSeenAs, SHOWN_REFILLS } from './refill.ts'
import { REFILL_ORDERS_MAX, type RefillOutcome, refillOrders } from './refill-orders.ts'
import { refillShape, refillView } from './refill-views.ts'

const tags = ['orders']
const PAGE_DEFAULT = 20

/** Newest first: a page begins below the refill that ended the one before. */
const cursor = keysetCursor({ id: 'bigint' })

const id = z.string().meta({ example: '23501' })
const manyIds = z.strictObject({
  orders: z
    .array(z.union([z.string().max(40), z.int()]))
    .min(1)
    .max(REFILL_ORDERS_MAX),
})
const manyShape = z.object({
  data: z.array(
    z.object({
      order_id: id,
      ok: z.boolean(),
      refill: refillShape.nullable(),
      code: z.string().nullable().meta({ example: 'refill_too_early' }),
    }),
  ),
})

/** Refills of one's own orders. Register it under a scope that `guardRoutes` guards. */
export function refillRoutes(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    await server.register(askingRoutes())
    await server.register(readingRoutes(app))
  }
}

function askingRoutes(): FastifyPluginAsyncZod {
  const config = { permission: 'orders:refill:own', rate_class: 'ordering', idempotent: true } as const
  return async (server) => {
    server.post(
      '/api/v1/orders/:id/refill',
      {
        config,
        schema: {
          summary: 'Ask for a refill of one of my orders',
          description:
            'Where what was delivered has dropped. 409 `refill_not_available`, `order_not_delivered`, `refill_too_early` with `available_at`, `refill_window_over`, `refill_under_way`, `refill_limit_reached`.',
          tags,
          params: z.object({ id }),
          response: { 201: refillShape },
        },
      },
      (request, reply) =>
        once(request, reply, 201, async (app, tx) => {
          const order_id = parseId(request.params.id)
          if (order_id === undefined) throw new OrderNotFoundError()
          const [found] = await refillOrders(app, [order_id], { customer_id: principalOf(request).user_id }, tx)
          const outcome = present(found, 'an outcome for each order')
          if (!outcome.ok) throw refillRefused(outcome)
          return refillView(outcome.refill)
        }),
    )

    server.post(
      '/api/v1/refill',
      {
        config,
        schema: {
          summary: 'Ask for refills of up to 100 of my orders',
          description: 'One outcome for each, in their order; one that is refused does not fail the others.',
          tags,
          body: manyIds,
          response: { 200: manyShape },
        },
      },
      (request, reply) =>
        once(request, reply, 200, async (app, tx) => {
          const spelled = request.body.orders.map(String)
          const ids = spelled.map((each) => parseId(each.trim()) ?? NO_ORDER)
          const outcomes = await refillOrders(app, ids, { customer_id: principalOf(request).user_id }, tx)
          return { data: outcomes.map((outcome, i) => outcomeView(spelled[i] as string, outcome)) }
        }),
    )
  }
}

/** No order has this number. */
const NO_ORDER = 0n

function outcomeView(order_id: string, outcome: RefillOutcome): z.output<typeof manyShape>['data'][number] {
  if (outcome.ok) return { order_id, ok: true, refill: refillView(outcome.refill), code: null }
  return { order_id, ok: false, refill: null, code: outcome.code }
}

const listQuery = z.object({
  status: z.enum(SHOWN_REFILLS).optional(),
  order: idText().optional(),
  limit: z.coerce.number().int().min(1).max(REFILLS_PAGE_MAX).default(PAGE_DEFAULT),
  cursor: z.string().optional().meta({ description: 'From `next_cursor` or the Link header of the page before.' }),
})

function readingRoutes(app: App): FastifyPluginAsyncZod {
  const config = { permission: 'orders:read:own' }
  return async (server) => {
    server.get(
      '/api/v1/refills',
      {
        config,
        schema: {
          summary: 'List my refills',
          description: 'Newest first. The next page is at `Link: <…>; rel="next"`; no such header, no further page.',
          tags,
          querystring: listQuery,
          response: {
            200: z.object({ data: z.array(refillShape), has_more: z.boolean(), next_cursor: z.string().nullable() }),
          },
        },
      },
      async (request, reply) => {
        const { status, order, limit, cursor: given } = request.query
        const filter = {
          customer_id: principalOf(request).user_id,
          states: status && refillStatesSeenAs(status),
          order_id: order === undefined ? undefined : BigInt(order),
        }
        const before = given === undefined ? undefined : cursor.decode(given).id
        const { refills, has_more } = await listRefills(app.db, filter, { before, limit })
        return { data: refills.map(refillView), ...cursor.next(request, reply, refills, has_more) }
      },
    )

    server.get(
      '/api/v1/refill-status',
      {
        config,
        schema: {
          summary: 'How refills stand',
          description: `Up to ${IDS_MAX}, joined by commas; what is no refill of yours is in \`missing\`.`,
          tags,
          querystring: z.object({ refills: z.string().meta({ example: '7,8' }) }),
          response: { 200: z.object({ data: z.array(refillShape), missing: z.array(z.string()) }) },
        },
      },
      async (request) => {
        const list = readIdList(request.query.refills)
        if (list === undefined) throw new TooManyIdsError(IDS_MAX)
        const found = await findRefills(app.db, principalOf(request).user_id, idsOf(list))
        const known = list.map((each) => ({ ...each, refill: each.id === undefined ? undefined : found.get(each.id) }))
        return {
          data: known.flatMap(({ refill }) => (refill ? [refillView(refill)] : [])),
          missing: known.filter(({ refill }) => !refill).map(({ spelled }) => spelled),
        }
      },
    )

    server.get(
      '/api/v1/refills/:id',
      {
        config,
        schema: { summary: 'One of my refills', tags, params: z.object({ id }), response: { 200: refillShape } },
      },
      async (request) => {
        const refill_id = parseId(request.params.id)
        const found = refill_id && (await findRefills(app.db, principalOf(request).user_id, [refill_id])).get(refill_id)
        if (!found) throw new RefillNotFoundError()
        return refillView(found)
      },
    )
  }
}
