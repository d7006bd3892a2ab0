import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { AMOUNT_MAX } from '#server/kit/money.ts'
import type { App } from '#server/platform/app.ts'
import { keysetCursor } from '#server/platform/http/cursor.ts'
import { idText } from '#server/platform/http/id-text.ts'
import { ServiceNotFoundError } from '../errors.ts'
import { selectService } from '../queries.ts'
import { saleAmount } from '../sale-amount.ts'
import { type ServiceStep, selectSteps } from './queries.ts'

const PAGE_DEFAULT = 50
const PAGE_MAX = 500

/** Latest first: a page begins below the change that ended the one before. */
const cursor = keysetCursor({ id: 'bigint' })

const sideShape = z.object({
  rate: z.string().meta({ description: 'USD per 1000 or package.', example: '1.30' }),
  cost: z.string().nullable().meta({ description: 'In USD; null while it was not known in dollars.', example: '1.00' }),
  min: z.string().meta({ example: '10' }),
  max: z.string().meta({ example: '10000' }),
  sold: z.boolean(),
  reason: z.string().nullable().meta({ description: 'Why it was not sold.', example: 'below_cost' }),
})

const stepShape = z.object({
  id: z.string(),
  at: z.iso.datetime(),
  cause: z.enum(['import', 'refresh', 'markup', 'exchange_rate', 'staff']),
  by: z.string().nullable().meta({ description: 'Null: at the terminal, or the house itself.', example: '4' }),
  before: sideShape.nullable().meta({ description: 'Null: the service was new.' }),
  after: sideShape,
})

/** What became of a service's price, for staff. Register it under a scope that `guardRoutes` guards. */
export function serviceHistoryRoutes(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.get(
      '/api/admin/services/:id/changes',
      {
        config: { permission: 'prices:read' },
        schema: {
          summary: 'The history of a service’s price, limits, and of whether it is sold',
          description: 'Latest first. 404 `service_not_found`.',
          tags: ['prices'],
          params: z.object({ id: idText() }),
          querystring: z.object({
            limit: z.coerce.number().int().min(1).max(PAGE_MAX).default(PAGE_DEFAULT),
            cursor: z.string().optional(),
          }),
          response: {
            200: z.object({ data: z.array(stepShape), has_more: z.boolean(), next_cursor: z.string().nullable() }),
          },
        },
      },
      async (request, reply) => {
        const service_id = BigInt(request.params.id)
        if (!(await selectService(app.db, service_id))) throw new ServiceNotFoundError(service_id)
        const { limit, cursor: given } = request.query
        const before = given === undefined ? AMOUNT_MAX : cursor.decode(given).id
        const found = await selectSteps(app.db, { service_id, before, limit: limit + 1 })
        const shown = found.slice(0, limit)
        return { data: shown.map(stepView), ...cursor.next(request, reply, shown, found.length > limit) }
      },
    )
  }
}

function stepView(step: ServiceStep): z.output<typeof stepShape> {
  const { id, at, cause, user_id, rate_before, min_before, max_before, cost_usd_before, reason_before } = step
  const known = rate_before !== null && min_before !== null && max_before !== null
  return {
    id: String(id),
    at: at.toISOString(),
    cause,
    by: user_id === null ? null : String(user_id),
    before: known ? sideView(rate_before, cost_usd_before, min_before, max_before, reason_before) : null,
    after: sideView(step.rate, step.cost_usd, step.min, step.max, step.reason),
  }
}

function sideView(
  rate: bigint,
  cost: bigint | null,
  min: bigint,
  max: bigint,
  reason: string | null,
): z.output<typeof sideShape> {
  const cost_text = cost === null ? null : saleAmount(cost)
  return { rate: saleAmount(rate), cost: cost_text, min: String(min), max: String(max), sold: reason === null, reason }
}
