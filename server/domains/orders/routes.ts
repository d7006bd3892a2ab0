import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { saleAmount } from '#server/domains/catalog/sale-amount.ts'
import { SALE_ASSET } from '#server/domains/catalog/service.ts'
import { principalOf } from '#server/domains/identity/guard-routes.ts'
import type { KeyUse } from '#server/domains/identity/keys/key-use.ts'
import { present } from '#server/kit/invariant.ts'
import { AMOUNT_MAX } from '#server/kit/money.ts'
import type { App } from '#server/platform/app.ts'
import type { Tx } from '#server/platform/db/database.ts'
import { keysetCursor } from '#server/platform/http/cursor.ts'
import type { ProblemError } from '#server/platform/http/problem.ts'
import { IdempotencyKeyInvalidError, IdempotencyKeyReusedError } from '#server/platform/idempotency/errors.ts'
import { IDEMPOTENCY_HEADER, idempotencyKeyOf, REPLAYED_HEADER } from '#server/platform/idempotency/idempotency-key.ts'
import { once } from '#server/platform/idempotency/once.ts'
import type { CustomerReads } from './customer-reads.ts'
import { feedShape, feedView } from './drip-feed/feed-views.ts'
import { findDripFeeds } from './drip-feed/queries.ts'
import type { OrderRefusal } from './errors.ts'
import { IDS_MAX, idsOf, readIdList } from './id-list.ts'
import { parseId } from './order-id.ts'
import {
  detailShape,
  detailView,
  orderShape,
  orderView,
  placedShape,
  placedView,
  refusedShape,
  refusedView,
  statusWord,
} from './order-views.ts'
import { isRefusal } from './placing/check-order.ts'
import { massRequest, orderRequest, ordersRequest, placementOf } from './placing/order-request.ts'
import type { PlaceSingleOrder } from './placing/place-order.ts'
import { type PlaceOutcome, placeOrders } from './placing/place-orders.ts'
import type { PlaceOrder } from './placing/placement.ts'
import { placerOf } from './placing/placer.ts'
import { OrderNotFoundError, OrderRefusedError, TooManyIdsError, TwoKeysError } from './problems.ts'
import { ORDERS_PAGE_MAX } from './queries.ts'
import { readStatuses } from './read-statuses.ts'
import { anyStatusShape } from './subscriptions/subscription-views.ts'
import { countOutcome } from './usage/count-outcome.ts'

/** Orders and the money for them, as their customer sees them. Register it under a scope that `guardRoutes` guards. */
export function orderRoutes(
  app: App,
  { placeOrder, reads, use }: { placeOrder: PlaceSingleOrder; reads: CustomerReads; use: KeyUse },
): FastifyPluginAsyncZod {
  return async (server) => {
    const placeMany: PlaceMany = async (inputs, tx) => {
      const outcomes = await placeOrders(app, inputs, tx)
      for (const [i, outcome] of outcomes.entries()) countOutcome(use, present(inputs[i], 'an input'), outcome)
      return outcomes
    }
    await server.register(placingRoutes(placeOrder, placeMany))
    await server.register(massRoute(placeMany))
    await server.register(readingRoutes(app, reads))
    await server.register(statusRoutes(app))
    await server.register(userStatusRoute(app))
    await server.register(balanceRoutes(reads))
  }
}

/** `placeOrders`, and what comes of it is counted. */
type PlaceMany = (inputs: readonly PlaceOrder[], tx: Tx | undefined) => Promise<PlaceOutcome[]>

const keyHeader = z.object({
  [IDEMPOTENCY_HEADER]: z.string().optional().meta({
    description:
      'Your own key, up to 128 characters. Repeating the request under it answers the same and makes no second order.',
  }),
})

function placingRoutes(placeOrder: PlaceSingleOrder, placeMany: PlaceMany): FastifyPluginAsyncZod {
  return async (server) => {
    server.post(
      '/api/v1/order',
      {
        config: {
          permission: 'orders:place:own',
          rate_class: 'ordering',
          idempotent: 'its key is stored with the order, for ever',
        },
        schema: {
          summary: 'Place an order',
          description:
            'Holds the charge on the balance at once, of a drip-feed that of all its runs, of a subscription that of one post. A repeated request carries `Idempotent-Replayed: true`. 402 `insufficient_funds`; 429 `quota_exceeded` where the key has used up its day; 422 for all else that is not taken, with `code` and field.',
          tags: ['orders'],
          headers: keyHeader,
          body: orderRequest,
          response: { 201: placedShape },
        },
      },
      async (request, reply) => {
        const from_header = idempotencyKeyOf(request.raw)
        const input = placementOf(principalOf(request), request.body)
        input.request_key ??= from_header
        if (from_header !== undefined && from_header !== input.request_key) throw new TwoKeysError()
        const outcome = await placeOrder(input)
        if (!outcome.ok) throw problemOf(outcome.refusal, from_header)
        if (outcome.replayed) reply.header(REPLAYED_HEADER, 'true')
        return reply.code(201).send(placedView(outcome))
      },
    )

    // The second path is the one that the order document names.
    for (const path of ['/api/v1/orders', '/api/orders/create-orders'])
      server.post(
        path,
        {
          config: { permission: 'orders:place:own', rate_class: 'ordering', idempotent: true },
          schema: {
            summary: 'Place up to 100 orders',
            description:
              'One outcome for each, in their order; one that is refused does not fail the others. To make repeating safe, send an `Idempotency-Key` for all together, or give each a `request_id`.',
            tags: ['orders'],
            body: ordersRequest,
            response: { 200: z.object({ data: z.array(outcomeShape) }) },
          },
        },
        (request, reply) =>
          once(request, reply, 200, async (_, tx) => {
            const principal = principalOf(request)
            const inputs = request.body.orders.map((order) => placementOf(principal, order))
            return { data: (await placeMany(inputs, tx)).map(outcomeView) }
          }),
      )
  }
}

function massRoute(placeMany: PlaceMany): FastifyPluginAsyncZod {
  return async (server) => {
    server.post(
      '/api/v1/orders/mass',
      {
        config: { permission: 'orders:place:own', rate_class: 'ordering', idempotent: true },
        schema: {
          summary: 'Place up to 100 orders, one a line',
          description:
            'One outcome for each line that is not empty, with its number; one that is refused does not fail the others. To make repeating safe, send an `Idempotency-Key`.',
          tags: ['orders'],
          body: massRequest,
          response: { 200: z.object({ data: z.array(massOutcomeShape) }) },
        },
      },
      (request, reply) =>
        once(request, reply, 200, async (_, tx) => {
          const placer = placerOf(principalOf(request))
          const lines = request.body.orders
          const inputs = lines.flatMap(({ asked }) => (isRefusal(asked) ? [] : [{ ...asked, ...placer }]))
          const outcomes = (await placeMany(inputs, tx)).values()
          return {
            data: lines.map(({ line, asked }) => {
              if (isRefusal(asked)) return { line, ok: false as const, refusal: refusedView(asked) }
              return { line, ...outcomeView(present(outcomes.next().value, 'an outcome for each order')) }
            }),
          }
        }),
    )
  }
}

/** What stands under the header's key is told in the words of every route that takes one. */
function problemOf(refusal: OrderRefusal, key: string | undefined): ProblemError {
  if (key !== undefined && refusal.code === 'request_key_reused') return new IdempotencyKeyReusedError()
  if (key !== undefined && refusal.code === 'request_key_invalid') {
    return new IdempotencyKeyInvalidError(
      'Here one key of 1 to 128 visible ASCII characters, bare or in double quotes.',
    )
  }
  return new OrderRefusedError(refusal)
}

const takenShape = z.object({ ok: z.literal(true), replayed: z.boolean(), order: placedShape })
const notTakenShape = z.object({ ok: z.literal(false), refusal: refusedShape })
const outcomeShape = z.discriminatedUnion('ok', [takenShape, notTakenShape])

const line = z.number().int().meta({ description: 'As it stands in the text, the first being 1.', example: 1 })
const massOutcomeShape = z.discriminatedUnion('ok', [takenShape.extend({ line }), notTakenShape.extend({ line })])

function outcomeView(outcome: PlaceOutcome): z.output<typeof outcomeShape> {
  if (!outcome.ok) return { ok: false, refusal: refusedView(outcome.refusal) }
  return { ok: true, replayed: outcome.replayed, order: placedView(outcome) }
}

const PAGE_DEFAULT = 20

/** Newest first: a page begins below the order that ended the one before. */
const cursor = keysetCursor({ id: 'bigint' })

const page = z.object({
  status: statusWord.optional(),
  limit: z.coerce.number().int().min(1).max(ORDERS_PAGE_MAX).default(PAGE_DEFAULT),
  cursor: z.string().optional().meta({ description: 'From `next_cursor` or the Link header of the page before.' }),
})

const listShape = z.object({
  data: z.array(orderShape),
  has_more: z.boolean(),
  next_cursor: z.string().nullable(),
})

function readingRoutes(app: App, reads: CustomerReads): FastifyPluginAsyncZod {
  const permission = 'orders:read:own'
  const tags = ['orders']
  return async (server) => {
    for (const path of ['/api/v1/orders', '/api/user/orders'])
      server.get(
        path,
        {
          config: { permission },
          schema: {
            summary: 'List my orders',
            description: 'Newest first. The next page is at `Link: <…>; rel="next"`; no such header, no further page.',
            tags,
            querystring: page,
            response: { 200: listShape },
          },
        },
        async (request, reply) => {
          const { status, limit, cursor: given } = request.query
          const before = given === undefined ? AMOUNT_MAX : cursor.decode(given).id
          const customer_id = principalOf(request).user_id
          const { orders, has_more } = await reads.page(customer_id, before, limit, status)
          return { data: orders.map(orderView), ...cursor.next(request, reply, orders, has_more) }
        },
      )

    server.get(
      '/api/v1/order/:id',
      {
        config: { permission },
        schema: {
          summary: 'One of my orders, with its history',
          tags,
          params: z.object({ id: z.string() }),
          description: 'Of a drip-feed: what its runs come to, and which orders they are.',
          response: { 200: z.union([detailShape, feedShape]) },
        },
      },
      async (request) => {
        const id = parseId(request.params.id)
        if (id === undefined) throw new OrderNotFoundError()
        const customer_id = principalOf(request).user_id
        const found = await reads.order(customer_id, id)
        if (found) return detailView(found.order, found.states)
        const feed = (await findDripFeeds(app.db, customer_id, [id])).get(id)
        if (!feed) throw new OrderNotFoundError()
        return feedView(feed)
      },
    )
  }
}

function statusRoutes(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.get(
      '/api/v1/status',
      {
        config: { permission: 'orders:read:own' },
        schema: {
          summary: 'How orders stand',
          description: `\`order\`: one. \`orders\`: up to ${IDS_MAX}, joined by commas; what is no order of yours is in \`missing\`. Of a drip-feed: what its runs come to; of a subscription: what its posts do.`,
          tags: ['orders'],
          querystring: statusQuery,
          response: { 200: statusesShape },
        },
      },
      async (request) => {
        const { order, orders } = request.query
        const list = readIdList(orders ?? order ?? '')
        if (list === undefined) throw new TooManyIdsError(IDS_MAX)
        const views = await readStatuses(app.db, principalOf(request).user_id, idsOf(list))
        if (order !== undefined && views.size === 0) throw new OrderNotFoundError()
        const known = list.map((each) => ({ ...each, view: each.id === undefined ? undefined : views.get(each.id) }))
        return {
          data: known.flatMap((each) => each.view ?? []),
          missing: known.filter((each) => !each.view).map((each) => each.spelled),
        }
      },
    )
  }
}

const userStatusShape = anyStatusShape.extend({
  user_visible_status: anyStatusShape.shape.status.meta({ description: 'The same as `status`.', example: 'Pending' }),
})

function userStatusRoute(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.get(
      '/api/orders/user-status/:id',
      {
        config: { permission: 'orders:read:own' },
        schema: {
          summary: 'How one of my orders stands',
          tags: ['orders'],
          params: z.object({ id: z.string().meta({ example: '23501' }) }),
          response: { 200: userStatusShape },
        },
      },
      async (request) => {
        const id = parseId(request.params.id)
        const view = id && (await readStatuses(app.db, principalOf(request).user_id, [id])).get(id)
        if (!view) throw new OrderNotFoundError()
        return { ...view, user_visible_status: view.status }
      },
    )
  }
}

const statusQuery = z
  .object({
    order: z.string().optional().meta({ example: '23501' }),
    orders: z.string().optional().meta({ example: '23501,23502' }),
  })
  .refine(({ order, orders }) => (order === undefined) !== (orders === undefined), {
    message: 'must name either order or orders',
  })

const statusesShape = z.object({ data: z.array(anyStatusShape), missing: z.array(z.string()) })

const balanceShape = z.object({
  balance: z.string().meta({ description: 'All that is yours, with what is held.', example: '100.84292' }),
  held: z.string().meta({ description: 'Set aside for orders under way.', example: '0.90' }),
  available: z.string().meta({ example: '99.94292' }),
  currency: z.string().meta({ example: 'USD' }),
  version: z
    .string()
    .meta({ description: 'Grows with each change; of two answers the higher is newer.', example: '12' }),
})

function balanceRoutes(reads: CustomerReads): FastifyPluginAsyncZod {
  return async (server) => {
    server.get(
      '/api/v1/balance',
      {
        config: { permission: 'balance:read:own' },
        schema: { summary: 'My balance', tags: ['money'], response: { 200: balanceShape } },
      },
      async (request) => {
        const balance = await reads.balance(principalOf(request).user_id)
        return {
          balance: saleAmount(balance.posted),
          held: saleAmount(balance.held),
          available: saleAmount(balance.available),
          currency: SALE_ASSET,
          version: String(balance.version),
        }
      },
    )
  }
}
