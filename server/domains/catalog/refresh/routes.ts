import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { actorOf } from '#server/domains/identity/actor-of.ts'
import { ProviderNotFoundError } from '#server/domains/providers/errors.ts'
import { findProvider } from '#server/domains/providers/queries.ts'
import type { Providers } from '#server/domains/providers/registry.ts'
import type { App } from '#server/platform/app.ts'
import { idText } from '#server/platform/http/id-text.ts'
import { type RefreshState, selectRefresh } from './queries.ts'
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

const params = z.object({ id: idText() })

const stateShape = z.object({
  provider_id: z.string().meta({ example: '1' }),
  outcome: z.enum(['applied', 'distrusted', 'failed', 'never']).meta({
    description:
      'Of the last try. `distrusted`: the list looked as if part of it were missing; `refresh-prices` with `accept_shrunken` applies it as it is then. `failed`: it could not be read, or its prices not be told in dollars.',
  }),
  tried_at: z.iso.datetime().nullable(),
  problem: z.string().nullable().meta({ example: 'Not applied: The list has 3 services, where it had 24.' }),
  distrusted_services: count.nullable().meta({ description: 'How many services the distrusted list had.', example: 3 }),
  listed_at: z.iso.datetime().nullable().meta({ description: 'When the list last applied was read.' }),
  listed_services: count.nullable().meta({ description: 'How many services that had.', example: 24 }),
})

/** Reading providers' prices at once, for staff. Register it under a scope that `guardRoutes` guards. */
export function refreshRoutes(app: App, providers: Providers): FastifyPluginAsyncZod {
  return async (server) => {
    await server.register(stateRoute(app))
    server.post(
      '/api/admin/providers/:id/refresh-prices',
      {
        config: { permission: 'prices:refresh', idempotent: 'What is as the provider says already is not changed.' },
        schema: {
          summary: 'Read prices, limits and availability from a provider now',
          description:
            'For the services that we have of it; none is created. A list that is empty, or that lacks more than half, is not applied unless with `accept_shrunken`. 404 `provider_not_found`; 422 `offer_too_long`.',
          tags: ['prices'],
          params,
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

function stateRoute(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.get(
      '/api/admin/providers/:id/refresh-prices',
      {
        config: { permission: 'prices:read' },
        schema: {
          summary: 'How the last refresh of a provider’s prices went',
          description: '404 `provider_not_found`.',
          tags: ['prices'],
          params,
          response: { 200: stateShape },
        },
      },
      async (request) => {
        const provider_id = BigInt(request.params.id)
        if (!(await findProvider(app.db, provider_id))) throw new ProviderNotFoundError(provider_id)
        return stateView(provider_id, await selectRefresh(app.db, provider_id))
      },
    )
  }
}

function stateView(provider_id: bigint, state: RefreshState | undefined): z.output<typeof stateShape> {
  return {
    provider_id: String(provider_id),
    outcome: outcomeOf(state),
    tried_at: state?.tried_at.toISOString() ?? null,
    problem: state?.problem ?? null,
    distrusted_services: state?.distrusted ?? null,
    listed_at: state?.listed_at?.toISOString() ?? null,
    listed_services: state?.listed ?? null,
  }
}

function outcomeOf(state: RefreshState | undefined): z.output<typeof stateShape>['outcome'] {
  if (!state) return 'never'
  if (state.problem === null) return 'applied'
  return state.distrusted === null ? 'failed' : 'distrusted'
}

const NOTHING = { updated: 0, unchanged: 0, deactivated: 0 }
