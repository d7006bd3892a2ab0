import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { App } from '#server/platform/app.ts'
import { idText } from '#server/platform/http/id-text.ts'
import { readProviderHealth } from './read-provider-health.ts'

const count = z.number().int()

const healthShape = z.object({
  provider_id: z.string().meta({ example: '2' }),
  services: count.meta({ description: 'Of how many of its services orders were sent.', example: 12 }),
  accepted: count.meta({ example: 970 }),
  rejected: count.meta({ description: 'For reasons of its own.', example: 21 }),
  unknown: count.meta({ example: 4 }),
  not_sent: count.meta({ example: 0 }),
  median_ms: count
    .nullable()
    .meta({ description: 'Of its slowest service, from sending to the answer.', example: 180 }),
  p95_ms: count.nullable().meta({ example: 700 }),
  last_rejected_at: z.iso.datetime().nullable(),
})

/** How providers do with what they are sent, for staff. Register it under a scope that `guardRoutes` guards. */
export function providerHealthRoutes(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.get(
      '/api/admin/providers/:id/health',
      {
        config: { permission: 'sources:read' },
        schema: {
          summary: 'See how a provider did lately',
          description:
            'Within the last hour, by the newest hundred orders of each of its services. 404 `provider_not_found`.',
          tags: ['sources'],
          params: z.object({
            id: idText().transform(BigInt),
          }),
          response: { 200: healthShape },
        },
      },
      async (request) => {
        const provider_id = request.params.id
        const { last_rejected_at, ...figures } = await readProviderHealth(app, provider_id)
        return {
          ...figures,
          provider_id: String(provider_id),
          last_rejected_at: last_rejected_at?.toISOString() ?? null,
        }
      },
    )
  }
}
