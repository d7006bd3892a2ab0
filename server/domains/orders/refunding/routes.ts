import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { SALE_SCALE } from '#server/domains/catalog/sale-amount.ts'
import { STAFF_AREAS } from '#server/domains/identity/areas/area.ts'
import { editorOf } from '#server/domains/identity/rights/editor.ts'
import { parseAmount } from '#server/kit/money.ts'
import type { App } from '#server/platform/app.ts'
import { keysetCursor } from '#server/platform/http/cursor.ts'
import { idText } from '#server/platform/http/id-text.ts'
import { once } from '#server/platform/idempotency/once.ts'
import { parseId } from '../order-id.ts'
import { OrderNotFoundError } from '../problems.ts'
import { askRefund } from './ask-refund.ts'
import { decideRefund } from './decide-refund.ts'
import { RefundAmountError, RefundNotFoundError } from './errors.ts'
import { listRefunds, REFUNDS_PAGE_MAX } from './queries.ts'
import { REFUND_REASON_MAX, REFUND_STATES } from './refund.ts'
import { refundShape, refundView } from './refund-views.ts'

const tags = ['order desk']
const PAGE_DEFAULT = 20

/** Newest first: a page begins below the refund that ended the one before. */
const cursor = keysetCursor({ id: 'bigint' })

const reason = z.string().trim().min(1).max(REFUND_REASON_MAX)

/** Refunds of orders that have ended, at the doors of all areas of staff. Register it under a scope that `guardRoutes` guards. */
export function refundRoutes(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    for (const area of STAFF_AREAS) {
      const prefix = `/api/${area}`
      await server.register(askingRoute(), { prefix })
      await server.register(listRoute(app), { prefix })
      for (const verdict of ['approve', 'refuse'] as const)
        await server.register(decidingRoute(app, verdict), { prefix })
    }
  }
}

function askingRoute(): FastifyPluginAsyncZod {
  return async (server) => {
    server.post(
      '/orders/:id/refunds',
      {
        config: { permission: 'orders:refund', idempotent: true },
        schema: {
          summary: 'Refund a part of what was paid for an order',
          description:
            'Of an order that has ended. Posted at once, or `asked`, where what you refund alone within 24 hours exceeds `orders.refund_second_person_above`. 409 `refund_too_large` with what is `left`, `order_not_ended`.',
          tags,
          params: z.object({ id: z.string().meta({ example: '23501' }) }),
          body: z.strictObject({
            amount: z.string().max(40).meta({ example: '0.40' }),
            reason: reason.meta({ description: 'The customer is told it when the money moves.', example: 'Late.' }),
          }),
          response: { 201: refundShape },
        },
      },
      (request, reply) =>
        once(request, reply, 201, async (within) => {
          const order_id = parseId(request.params.id)
          if (order_id === undefined) throw new OrderNotFoundError()
          const amount = parseAmount(request.body.amount, SALE_SCALE)
          if (amount === undefined) throw new RefundAmountError()
          return refundView(
            await askRefund(within, editorOf(request), { order_id, amount, reason: request.body.reason }),
          )
        }),
    )
  }
}

const listQuery = z.object({
  state: z.enum(REFUND_STATES).optional(),
  order: idText().optional(),
  limit: z.coerce.number().int().min(1).max(REFUNDS_PAGE_MAX).default(PAGE_DEFAULT),
  cursor: z.string().optional().meta({ description: 'From `next_cursor` or the Link header of the page before.' }),
})

function listRoute(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.get(
      '/refunds',
      {
        config: { permission: 'orders:read' },
        schema: {
          summary: 'List refunds of orders',
          description: 'Newest first. `asked` ones wait for a second person.',
          tags,
          querystring: listQuery,
          response: {
            200: z.object({ data: z.array(refundShape), has_more: z.boolean(), next_cursor: z.string().nullable() }),
          },
        },
      },
      async (request, reply) => {
        const { state, order, limit, cursor: given } = request.query
        const before = given === undefined ? undefined : cursor.decode(given).id
        const filter = { state, order_id: order === undefined ? undefined : BigInt(order) }
        const { refunds, has_more } = await listRefunds(app.db, filter, { before, limit })
        return { data: refunds.map(refundView), ...cursor.next(request, reply, refunds, has_more) }
      },
    )
  }
}

function decidingRoute(app: App, verdict: 'approve' | 'refuse'): FastifyPluginAsyncZod {
  const approves = verdict === 'approve'
  return async (server) => {
    server.post(
      `/refunds/:id/${verdict}`,
      {
        config: { permission: 'orders:approve-refund', idempotent: 'the same verdict again answers as before' },
        schema: {
          summary: approves ? 'Approve a refund, as the second person' : 'Refuse a refund',
          description: approves
            ? 'Moves the money at once. 409 `same_person`, `refund_settled`, `refund_too_large`.'
            : 'No money moves. 409 `same_person`, `refund_settled`.',
          tags,
          params: z.object({ id: z.string().meta({ example: '5' }) }),
          body: z.strictObject({ reason: reason.optional() }),
          response: { 200: refundShape },
        },
      },
      async (request) => {
        const id = parseId(request.params.id)
        if (id === undefined) throw new RefundNotFoundError()
        const input = { id, verdict, reason: request.body.reason }
        return refundView(await decideRefund(app, editorOf(request), input))
      },
    )
  }
}
