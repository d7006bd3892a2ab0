import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { actorOf } from '#server/domains/identity/actor-of.ts'
import { ProviderNotFoundError } from '#server/domains/providers/errors.ts'
import { findProvider } from '#server/domains/providers/queries.ts'
import type { Providers } from '#server/domains/providers/registry.ts'
import { AMOUNT_MAX } from '#server/kit/money.ts'
import type { App } from '#server/platform/app.ts'
import { keysetCursor } from '#server/platform/http/cursor.ts'
import { idText } from '#server/platform/http/id-text.ts'
import { askOffer } from './ask-offer.ts'
import { importChosen } from './import-chosen.ts'
import { findOffer } from './kept-offer.ts'
import {
  importBody,
  importedShape,
  importedView,
  offerShape,
  offerView,
  plannedShape,
  plannedView,
  readChosen,
  recordedShape,
  recordedView,
} from './offer-views.ts'
import { OFFER_KINDS, type PlannedService } from './plan-offer.ts'
import { readPlan } from './read-plan.ts'
import { selectImports } from './recorded-imports.ts'

const tags = ['prices']
const PAGE_DEFAULT = 100
const PAGE_MAX = 500
const number = idText()
const params = z.object({ id: number })
const limit = z.coerce.number().int().min(1).max(PAGE_MAX).default(PAGE_DEFAULT)

/** The list's own order: a page begins behind the service that ended the one before. */
const placeCursor = keysetCursor({ place: 'bigint' })
const importCursor = keysetCursor({ id: 'bigint' })

/** Choosing what to take of a provider, for staff. Register it under a scope that `guardRoutes` guards. */
export function offerRoutes(app: App, providers: Providers): FastifyPluginAsyncZod {
  return async (server) => {
    await server.register(offerRoute(app, providers))
    await server.register(planRoute(app))
    await server.register(importRoutes(app))
  }
}

function offerRoute(app: App, providers: Providers): FastifyPluginAsyncZod {
  return async (server) => {
    server.post(
      '/api/admin/providers/:id/offer',
      {
        config: { permission: 'services:import', idempotent: 'It reads the list once more, and takes nothing in.' },
        schema: {
          summary: 'Read a provider’s list now, to choose from it',
          description:
            'Answers how many services are new, changed, gone or cannot be sold; the services themselves are at `…/offers/{id}/services`, for an hour. 404 `provider_not_found`; 422 `offer_too_long`; 502 `offer_unavailable`.',
          tags,
          params,
          response: { 201: offerShape },
        },
      },
      async (request, reply) => {
        const provider_id = BigInt(request.params.id)
        const offer = await askOffer(app, providers, { provider_id, by: actorOf(request) })
        return reply.code(201).send(offerView(offer, await readPlan(app, offer)))
      },
    )
  }
}

const planQuery = z.object({
  kind: z.enum(OFFER_KINDS).optional(),
  category: z.string().min(1).max(200).optional().meta({ description: 'The provider’s own.' }),
  search: z
    .string()
    .trim()
    .min(1)
    .max(100)
    .optional()
    .meta({ description: 'In names, and whole ids of the provider.' }),
  limit,
  cursor: z.string().optional(),
})

function planRoute(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.get(
      '/api/admin/providers/:id/offers/:offer/services',
      {
        config: { permission: 'services:import' },
        schema: {
          summary: 'See what taking in each service of a list would do',
          description:
            'In the provider’s order; last what is not in the list any more. Rates are by the rules of this moment. 404 `offer_not_found` where the list is not kept any more.',
          tags,
          params: z.object({ id: number, offer: number }),
          querystring: planQuery,
          response: {
            200: offerShape.extend({
              data: z.array(plannedShape),
              has_more: z.boolean(),
              next_cursor: z.string().nullable(),
            }),
          },
        },
      },
      async (request, reply) => {
        const { id, offer: offer_id } = request.params
        const { limit, cursor, ...filter } = request.query
        const key = { id: BigInt(offer_id), provider_id: BigInt(id), now: app.clock.now() }
        const offer = await findOffer(app.db, key)
        const plan = await readPlan(app, offer)
        const behind = cursor === undefined ? -1n : placeCursor.decode(cursor).place
        const found = plan.services.filter((each) => each.place > behind && passes(each, filter)).slice(0, limit + 1)
        const shown = found.slice(0, limit)
        return {
          ...offerView(offer, plan),
          data: shown.map((each) => plannedView(each, plan.scale)),
          ...placeCursor.next(request, reply, shown, found.length > limit),
        }
      },
    )
  }
}

function passes(
  { kind, category, name, provider_service_id }: PlannedService,
  wanted: Pick<z.output<typeof planQuery>, 'kind' | 'category' | 'search'>,
): boolean {
  if (wanted.kind !== undefined && kind !== wanted.kind) return false
  if (wanted.category !== undefined && category !== wanted.category) return false
  const { search } = wanted
  return search === undefined || provider_service_id === search || name.toLowerCase().includes(search.toLowerCase())
}

function importRoutes(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.post(
      '/api/admin/providers/:id/imports',
      {
        config: { permission: 'services:import', idempotent: 'What is as chosen already is not changed.' },
        schema: {
          summary: 'Take chosen services of a list into the catalogue',
          description:
            'One outcome each, in their order; a refused one fails no other, and what is not chosen stays as it is. 404 `provider_not_found`, `offer_not_found`; 409 `offer_overtaken` where a newer list was applied meanwhile.',
          tags,
          params,
          body: importBody,
          response: { 200: importedShape },
        },
      },
      async (request) => {
        const provider_id = BigInt(request.params.id)
        const { offer_id: text, services, reason } = request.body
        const offer_id = BigInt(text)
        const offer = await findOffer(app.db, { id: offer_id, provider_id, now: app.clock.now() })
        const categories = new Map(offer.services.map((each) => [each.provider_service_id, each.category]))
        const chosen = readChosen(request.body, (id) => categories.get(id))
        const by = actorOf(request)
        const { import_id, outcomes } = await importChosen(app, { provider_id, offer_id, ...chosen, by, reason })
        return importedView(import_id, outcomes, services)
      },
    )

    server.get(
      '/api/admin/providers/:id/imports',
      {
        config: { permission: 'prices:read' },
        schema: {
          summary: 'List what was taken in of a provider',
          description: 'Latest first. What became of one service is at `/api/admin/services/{id}/changes`.',
          tags,
          params,
          querystring: z.object({ limit, cursor: z.string().optional() }),
          response: {
            200: z.object({ data: z.array(recordedShape), has_more: z.boolean(), next_cursor: z.string().nullable() }),
          },
        },
      },
      async (request, reply) => {
        const provider_id = BigInt(request.params.id)
        if (!(await findProvider(app.db, provider_id))) throw new ProviderNotFoundError(provider_id)
        const { limit, cursor } = request.query
        const before = cursor === undefined ? AMOUNT_MAX : importCursor.decode(cursor).id
        const found = await selectImports(app.db, { provider_id, before, limit: limit + 1 })
        const shown = found.slice(0, limit)
        return { data: shown.map(recordedView), ...importCursor.next(request, reply, shown, found.length > limit) }
      },
    )
  }
}
