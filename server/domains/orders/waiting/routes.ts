import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { ServiceNotFoundError } from '#server/domains/catalog/errors.ts'
import { selectService } from '#server/domains/catalog/queries.ts'
import { actorOf } from '#server/domains/identity/actor-of.ts'
import type { App } from '#server/platform/app.ts'
import { idText } from '#server/platform/http/id-text.ts'
import { waitHoursMax } from '../desk/settings.ts'
import { setWaitLimit } from './set-wait-limit.ts'
import { WAIT_HOURS_MAX, waitLimitOf } from './wait-limit.ts'

const path = '/api/admin/services/:id/wait-limit'
const tags = ['order desk']
const params = z.object({ id: idText() })
const hours = z.int().min(1).max(WAIT_HOURS_MAX).nullable()

const limitShape = z.object({
  hours: z.int().nullable().meta({ description: 'Null: as the house says.', example: 24 }),
  house_hours: z.int().meta({ description: 'The setting `orders.wait_hours_max`.', example: 72 }),
})

/** How long orders of a service may wait behind `Pending`, for staff. Register it under a scope that `guardRoutes` guards. */
export function waitLimitRoutes(app: App): FastifyPluginAsyncZod {
  const view = (of: number | null) => ({ hours: of, house_hours: app.settings.read(waitHoursMax) })
  return async (server) => {
    server.get(
      path,
      {
        config: { permission: 'orders:read' },
        schema: {
          summary: 'How long orders of a service may wait',
          description: '404 `service_not_found`.',
          tags,
          params,
          response: { 200: limitShape },
        },
      },
      async (request) => {
        const id = BigInt(request.params.id)
        if (!(await selectService(app.db, id))) throw new ServiceNotFoundError(id)
        return view(await waitLimitOf(app.db, id))
      },
    )

    server.put(
      path,
      {
        config: { permission: 'services:edit' },
        schema: {
          summary: 'Set how long orders of a service may wait',
          description:
            'For a provider, or for staff to save them, while their customers see `Pending`; then they are cancelled and refunded. It counts for those that wait already too. 404 `service_not_found`.',
          tags,
          params,
          body: z.strictObject({ hours, reason: z.string().trim().min(1).max(500) }),
          response: { 200: limitShape },
        },
      },
      async (request) => {
        const { hours, reason } = request.body
        await setWaitLimit(app, BigInt(request.params.id), hours, { actor: actorOf(request), reason })
        return view(hours)
      },
    )
  }
}
