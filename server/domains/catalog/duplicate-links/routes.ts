import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { actorOf } from '#server/domains/identity/actor-of.ts'
import type { App } from '#server/platform/app.ts'
import { editService } from '../edit-service.ts'
import { ServiceNotFoundError } from '../errors.ts'
import { DUPLICATE_LINKS } from '../service.ts'

const REASON_MAX = 500

const body = z
  .strictObject({
    duplicate_links: z.enum(DUPLICATE_LINKS),
    reason: z.string().trim().min(1).max(REASON_MAX).optional().meta({ description: 'Why; kept for ever.' }),
  })
  .meta({ example: { duplicate_links: 'refuse', reason: 'The provider counts both as one.' } })

const shape = z.object({
  id: z.string().meta({ example: '1' }),
  name: z.string(),
  duplicate_links: z.enum(DUPLICATE_LINKS),
  version: z.string().meta({ example: '3' }),
})

/** Whether a service takes two orders for one link, for staff to say. Register it under a scope that `guardRoutes` guards. */
export function duplicateLinkRoutes(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.put(
      '/api/admin/services/:id/duplicate-links',
      {
        config: { permission: 'services:edit', idempotent: 'It says how it shall be; said twice it is so once.' },
        schema: {
          summary: 'Allow or refuse a second order for a link that is under way',
          description:
            '`refuse`: while an order of this service for a link is under way, whoever’s it is, no other for that link is taken. It counts for orders that are placed from now on.',
          tags: ['prices'],
          params: z.object({ id: z.string().meta({ example: '1' }) }),
          body,
          response: { 200: shape },
        },
      },
      async (request) => {
        const { id } = request.params
        if (!/^[1-9]\d{0,17}$/.test(id)) throw new ServiceNotFoundError(id)
        const { duplicate_links, reason } = request.body
        const by = actorOf(request)
        const service = await editService(app, {
          service_id: BigInt(id),
          duplicate_links,
          by,
          ...(reason && { reason }),
        })
        return { id, name: service.name, duplicate_links: service.duplicate_links, version: String(service.version) }
      },
    )
  }
}
