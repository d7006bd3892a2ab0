import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { actorOf } from '#server/domains/identity/actor-of.ts'
import type { Providers } from '#server/domains/providers/registry.ts'
import type { App } from '#server/platform/app.ts'
import { refreshProvider } from './refresh-provider.ts'

const count = z.number().int()
const outcomeShape = z.object({
  applied: z.boolean().meta({ description: 'Whether the provider’s list was applied. If not, nothing has changed.' }),
  problem: z.string().nullable().meta({
    description: 'Why not, or why not all prices.',
    example: 'The list has 3 services, where it had 24.',
  }),
  updated: count.meta({ example: 3 }),
  unchanged: count.meta({ example: 20 }),
  no_longer_sold: count.meta({ example: 1 }),
})

/** Reading providers' prices at once, for staff. Register it under a scope that `guardRoutes` guards. */
export function refreshRoutes(app: App, providers: Providers): FastifyPluginAsyncZod {
  return async (server) => {
    server.post(
      '/api/admin/providers/:id/refresh-prices',
      {
        config: { permission: 'prices:refresh', idempotent: 'What is as the provider says already is not changed.' },
        schema: {
          summary: 'Read prices, limits and availability from a provider now',
          description:
            'For the services that we have of it; none is created. A list that is empty, or that lacks more than half, is not applied unless with `accept_shrunken`. 404 `provider_not_found`; 422 `offer_too_long`.',
          tags: ['prices'],
          params: z.object({ id: z.string().regex(/^[1-9]\d{0,17}$/, 'must be a number') }),
          body: z
            .strictObject({
              accept_shrunken: z.literal(true).optional().meta({ description: 'You have seen that so much is gone.' }),
            })
            .nullish(),
          response: { 200: outcomeShape },
        },
      },
      async (request) => {
        const provider_id = BigInt(request.params.id)
        const { accept_shrunken } = request.body ?? {}
        const outcome = await refreshProvider(app, providers, { provider_id, accept_shrunken, by: actorOf(request) })
        const { applied, problem } = outcome
        const { updated, unchanged, deactivated } = outcome.applied ? outcome.report : NOTHING
        return { applied, problem, updated, unchanged, no_longer_sold: deactivated }
      },
    )
  }
}

const NOTHING = { updated: 0, unchanged: 0, deactivated: 0 }
