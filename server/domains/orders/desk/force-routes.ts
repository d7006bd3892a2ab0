import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { actorOf } from '#server/domains/identity/actor-of.ts'
import { present } from '#server/kit/invariant.ts'
import type { App } from '#server/platform/app.ts'
import { idText } from '#server/platform/http/id-text.ts'
import { DETAIL_MAX } from '../order.ts'
import { parseId } from '../order-id.ts'
import { OrderNotFoundError } from '../problems.ts'
import { deskOrderShape, deskOrderView } from './desk-views.ts'
import { forceStatus } from './force-status.ts'
import { findDeskOrder } from './list-orders.ts'
import { forceRefused } from './problems.ts'

const reason = z.string().trim().min(1).max(DETAIL_MAX)
const remains = z
  .union([z.int().min(1), idText('must be a whole number above zero')])
  .transform(BigInt)
  .meta({ description: 'How many of its pieces were not delivered.', example: '400' })

const end = z.discriminatedUnion('status', [
  z.strictObject({ status: z.literal('completed'), reason }),
  z.strictObject({ status: z.literal('partial'), remains, reason }),
  z.strictObject({ status: z.literal('cancelled'), reason }),
])

/** Ending an order by the word of staff: a part of the desk. */
export function forceRoutes(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.post(
      '/:id/force',
      {
        config: {
          permission: 'orders:force',
          idempotent: 'An order ends once: of two who end it, the second is told that it has ended.',
        },
        schema: {
          summary: 'End an order that is at a provider, by our own word',
          description:
            'Such as one that the provider has lost. The money is settled as if the provider had said so; what it says later changes nothing for the customer, and `reason` becomes `forced_contradicted` where it says otherwise. 409 `order_not_at_provider`; 422 `remains_out_of_range`.',
          tags: ['order desk'],
          params: z.object({ id: z.string().meta({ example: '23501' }) }),
          body: end,
          response: { 200: deskOrderShape },
        },
      },
      async (request) => {
        const id = parseId(request.params.id)
        if (id === undefined) throw new OrderNotFoundError()
        const outcome = await forceStatus(app, id, request.body, actorOf(request))
        if (!outcome.ok) throw forceRefused(outcome)
        return deskOrderView(present(await findDeskOrder(app, id), 'the order is there'))
      },
    )
  }
}
