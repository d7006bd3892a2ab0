import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { actorOf } from '#server/domains/identity/actor-of.ts'
import { parseAmount } from '#server/kit/money.ts'
import type { App } from '#server/platform/app.ts'
import { keysetCursor } from '#server/platform/http/cursor.ts'
import { idText } from '#server/platform/http/id-text.ts'
import { InvalidRequestError } from '#server/platform/http/problem.ts'
import { type EditService, editService } from './edit-service.ts'
import { ServiceNotFoundError } from './errors.ts'
import { type ListedService, listServices, SERVICES_PAGE_MAX } from './list-services.ts'
import { SALE_SCALE } from './sale-amount.ts'
import { DEACTIVATED_REASONS, DUPLICATE_LINKS } from './service.ts'
import { staffServiceShape, staffServiceView } from './service-views.ts'

const tags = ['prices']
const PAGE_DEFAULT = 100
const REASON_MAX = 500
const CATEGORY_MAX = 200

/** By number: a page begins behind the service that ended the one before. */
const cursor = keysetCursor({ id: 'bigint' })

const params = z.object({ id: z.string().meta({ example: '1' }) })

/** Services with what they cost and why they are sold or not, for staff to see and set. Register it under a scope that `guardRoutes` guards. */
export function staffServiceRoutes(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    await server.register(readingRoutes(app))
    await server.register(editingRoute(app))
  }
}

const filterQuery = z.object({
  provider: idText('must be the number of a provider').transform(BigInt).optional(),
  category: z.string().min(1).max(CATEGORY_MAX).optional(),
  sold: z.stringbool({ truthy: ['true'], falsy: ['false'] }).optional(),
  not_sold_because: z.enum(DEACTIVATED_REASONS).optional(),
  name: z.string().trim().min(1).max(100).optional().meta({ description: 'Part of the name, in capitals or not.' }),
  limit: z.coerce.number().int().min(1).max(SERVICES_PAGE_MAX).default(PAGE_DEFAULT),
  cursor: z.string().optional(),
})

function readingRoutes(app: App): FastifyPluginAsyncZod {
  const config = { permission: 'prices:read' }
  return async (server) => {
    server.get(
      '/api/admin/services',
      {
        config,
        schema: {
          summary: 'List all services, sold or not',
          description: 'By their numbers. The next page is at `Link: <…>; rel="next"`.',
          tags,
          querystring: filterQuery,
          response: {
            200: z.object({
              data: z.array(staffServiceShape),
              has_more: z.boolean(),
              next_cursor: z.string().nullable(),
            }),
          },
        },
      },
      async (request, reply) => {
        const { provider: provider_id, limit, cursor: given, ...filter } = request.query
        const behind = given === undefined ? undefined : cursor.decode(given).id
        const { services, has_more } = await listServices(app.db, { ...filter, provider_id }, { behind, limit })
        return { data: services.map(viewOf), ...cursor.next(request, reply, services, has_more) }
      },
    )

    server.get(
      '/api/admin/services/:id',
      { config, schema: { summary: 'See a service', tags, params, response: { 200: staffServiceShape } } },
      async (request) => viewOf(await serviceOf(app, request.params.id)),
    )
  }
}

async function serviceOf(app: App, text: string): Promise<ListedService> {
  if (!/^[1-9]\d{0,17}$/.test(text)) throw new ServiceNotFoundError(text)
  const { services } = await listServices(app.db, { id: BigInt(text) }, { limit: 1 })
  if (!services[0]) throw new ServiceNotFoundError(text)
  return services[0]
}

function viewOf(service: ListedService) {
  return staffServiceView(service, service.cost_scale)
}

const quantity = z
  .string()
  .regex(/^[1-9]\d{0,9}$/, 'must be a whole number above zero')
  .transform(BigInt)
  .nullable()
  .optional()
  .meta({ example: '50', description: 'Null goes back to the provider’s.' })

const editBody = z
  .strictObject({
    rate: z.string().max(30).nullable().optional().meta({
      example: '0.90',
      description: 'In USD per 1000, or for one package. Null goes back to the mark-up rules.',
    }),
    min: quantity,
    max: quantity,
    sold: z.boolean().optional().meta({ description: 'Whether it is sold, as long as it can be.' }),
    category: z
      .string()
      .trim()
      .min(1)
      .max(CATEGORY_MAX)
      .nullable()
      .optional()
      .meta({ description: 'Our own. Null: the provider’s, from its next list on; until then it stays as it is.' }),
    duplicate_links: z.enum(DUPLICATE_LINKS).optional(),
    reason: z.string().trim().min(1).max(REASON_MAX).optional().meta({ description: 'Why; kept for ever.' }),
  })
  .meta({ example: { rate: '0.95', sold: true, reason: 'Campaign.' } })

function editingRoute(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.patch(
      '/api/admin/services/:id',
      {
        config: { permission: 'services:edit' },
        schema: {
          summary: 'Set how a service is sold',
          description:
            'What is left out stays; later imports and refreshes respect what is set. 422 `service_edit_refused` for a rate below the cost, limits that the provider does not serve, and to sell what it does not offer.',
          tags,
          params,
          body: editBody,
          response: { 200: staffServiceShape },
        },
      },
      async (request) => {
        const { id } = await serviceOf(app, request.params.id)
        const { rate, sold, reason, ...rest } = request.body
        if ([rate, sold, ...Object.values(rest)].every((value) => value === undefined)) {
          throw new InvalidRequestError([{ field: 'body', reason: 'names nothing to set' }])
        }
        const edit = {
          service_id: id,
          ...rest,
          ...(rate !== undefined && { rate: readRate(rate) }),
          ...(sold !== undefined && { active: sold }),
          ...(reason !== undefined && { reason }),
          by: actorOf(request),
        } as EditService
        await editService(app, edit)
        return viewOf(await serviceOf(app, request.params.id))
      },
    )
  }
}

function readRate(text: string | null): bigint | null {
  if (text === null) return null
  const rate = /^\d+(\.\d{1,6})?$/.test(text) ? parseAmount(text, SALE_SCALE) : undefined
  if (rate === undefined) throw new InvalidRequestError([{ field: 'rate', reason: 'must be an amount such as 0.90' }])
  return rate
}
