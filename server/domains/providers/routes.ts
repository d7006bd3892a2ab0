import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { actorOf } from '#server/domains/identity/actor-of.ts'
import type { App } from '#server/platform/app.ts'
import { keysetCursor } from '#server/platform/http/cursor.ts'
import { InvalidRequestError } from '#server/platform/http/problem.ts'
import { once } from '#server/platform/idempotency/once.ts'
import type { Secrets } from '#server/platform/secrets/secrets.ts'
import { addProvider } from './add-provider.ts'
import { changeProvider } from './change-provider.ts'
import { ProviderNotFoundError } from './errors.ts'
import { hookRoutes } from './hooks/hook-routes.ts'
import { pauseProvider } from './pause-provider.ts'
import type { ProviderRow } from './provider-row.ts'
import { NEW_PROVIDER, PROVIDER_CHANGE } from './provider-settings.ts'
import { callShape, callView, providerShape, providerView } from './provider-views.ts'
import { callsOfProvider, findProvider, listProviders } from './queries.ts'
import { resumeProvider } from './resume-provider.ts'
import { refuseOutsideOfSandbox } from './sandbox-address.ts'
import { forgetStandings } from './standings.ts'

const tags = ['providers']
const REASON_MAX = 200
const CALLS_DEFAULT = 50
const CALLS_MAX = 200
/** A month; who wants to do without a provider for longer switches it off. */
const PAUSE_MINUTES_MAX = 43_200

const params = z.object({ id: z.string().regex(/^[1-9]\d{0,17}$/, 'must be the number of a provider') })
const reason = z.string().trim().min(1).max(REASON_MAX)

const cursor = keysetCursor({ at: 'timestamp', id: 'bigint' })

/** Providers, for staff to see and manage. Register it under a scope that `guardRoutes` guards. */
export function providerRoutes(app: App, secrets: Secrets): FastifyPluginAsyncZod {
  return async (server) => {
    await server.register(readingRoutes(app))
    await server.register(callsRoute(app))
    await server.register(addingRoute(app, secrets))
    await server.register(changingRoute(app, secrets))
    await server.register(pausingRoutes(app))
    await server.register(hookRoutes(app, secrets))
  }
}

function readingRoutes(app: App): FastifyPluginAsyncZod {
  const config = { permission: 'providers:read' }
  return async (server) => {
    server.get(
      '/api/admin/providers',
      {
        config,
        schema: {
          summary: 'List the providers',
          description:
            'All of them, the oldest first. What the books say of our balances: `/api/admin/finance/provider-balances`.',
          tags,
          response: { 200: z.object({ data: z.array(providerShape) }) },
        },
      },
      async () => {
        const now = app.clock.now()
        return { data: (await listProviders(app.db)).map((row) => providerView(row, now)) }
      },
    )

    server.get(
      '/api/admin/providers/:id',
      { config, schema: { summary: 'See a provider', tags, params, response: { 200: providerShape } } },
      async (request) => providerView(await providerOf(app, request.params.id), app.clock.now()),
    )
  }
}

async function providerOf({ db }: Pick<App, 'db'>, text: string): Promise<ProviderRow> {
  const id = BigInt(text)
  const row = await findProvider(db, id)
  if (!row) throw new ProviderNotFoundError(id)
  return row
}

function callsRoute(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.get(
      '/api/admin/providers/:id/calls',
      {
        config: { permission: 'providers:read' },
        schema: {
          summary: 'See what was said to a provider, and what it answered',
          description:
            'The latest first; keys and other secrets are masked. The next page is at `Link: <…>; rel="next"`.',
          tags,
          params,
          querystring: z.object({
            limit: z.coerce.number().int().min(1).max(CALLS_MAX).default(CALLS_DEFAULT),
            cursor: z.string().optional(),
          }),
          response: {
            200: z.object({ data: z.array(callShape), has_more: z.boolean(), next_cursor: z.string().nullable() }),
          },
        },
      },
      async (request, reply) => {
        const { limit, cursor: given } = request.query
        const behind = given === undefined ? undefined : cursor.decode(given)
        const { id } = await providerOf(app, request.params.id)
        const calls = await callsOfProvider(app.db, id, { behind, limit: limit + 1 })
        const shown = calls.slice(0, limit)
        const rows = shown.map((call) => ({ at: call.at.toISOString(), id: call.id }))
        return { data: shown.map(callView), ...cursor.next(request, reply, rows, calls.length > limit) }
      },
    )
  }
}

function addingRoute(app: App, secrets: Secrets): FastifyPluginAsyncZod {
  return async (server) => {
    server.post(
      '/api/admin/providers',
      {
        config: { permission: 'providers:edit', idempotent: true },
        schema: {
          summary: 'Add a provider',
          description:
            'Its key is stored encrypted and never shown again. Nothing is sold of it before its services are imported. 409 `provider_name_taken`.',
          tags,
          body: NEW_PROVIDER.meta({ example: NEW_EXAMPLE }),
          response: { 201: providerShape },
        },
      },
      (request, reply) =>
        once(request, reply, 201, async (within) => {
          refuseOutsideOfSandbox(app.config, request.body.url)
          const by = actorOf(request)
          const row = await within.db.transaction((tx) => addProvider(tx, secrets, request.body, by))
          return providerView(row, app.clock.now())
        }),
    )
  }
}

const NEW_EXAMPLE = {
  name: 'Panel',
  url: 'https://panel.example/api/v2',
  key: 'the-key-that-they-gave-us',
  currency: 'USD',
}

const changeBody = PROVIDER_CHANGE.extend({
  version: z
    .string()
    .regex(/^\d{1,18}$/, 'must be the version that was read')
    .optional()
    .meta({ description: 'The version that was read: when another has changed it since, 409 `provider_changed`.' }),
  reason: reason.optional().meta({ description: 'Why; kept for ever.' }),
}).meta({ example: { enabled: false, reason: 'Their work has become poor.' } })

function changingRoute(app: App, secrets: Secrets): FastifyPluginAsyncZod {
  return async (server) => {
    server.patch(
      '/api/admin/providers/:id',
      {
        config: { permission: 'providers:edit' },
        schema: {
          summary: 'Change settings of a provider',
          description:
            'Every process works by them from its next call on. Switched off it is sent no new orders; those that it has are followed to their end. 409 `provider_name_taken`, `provider_changed`.',
          tags,
          params,
          body: changeBody,
          response: { 200: providerShape },
        },
      },
      async (request) => {
        const { version, reason, ...settings } = request.body
        if (Object.keys(settings).length === 0)
          throw new InvalidRequestError([{ field: 'body', reason: 'names nothing to change' }])
        refuseOutsideOfSandbox(app.config, settings.url)
        const change = {
          provider_id: BigInt(request.params.id),
          settings,
          version: version === undefined ? undefined : BigInt(version),
          by: actorOf(request),
          ...(reason && { reason }),
        }
        const row = await app.db.transaction((tx) => changeProvider(tx, secrets, change))
        await forgetStandings(app)
        return providerView(row, app.clock.now())
      },
    )
  }
}

function pausingRoutes(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.post(
      '/api/admin/providers/:id/pause',
      {
        config: { permission: 'providers:edit', idempotent: 'A pause only ever grows.' },
        schema: {
          summary: 'Send no orders to a provider for a while',
          description: 'Those that it has are followed. A longer pause that stands already stays.',
          tags,
          params,
          body: z
            .strictObject({ minutes: z.int().min(1).max(PAUSE_MINUTES_MAX), reason })
            .meta({ example: { minutes: 30, reason: 'Their panel is down.' } }),
          response: { 200: providerShape },
        },
      },
      async (request) => {
        const { minutes, reason } = request.body
        const provider_id = BigInt(request.params.id)
        const until = new Date(app.clock.now().getTime() + minutes * 60_000)
        await app.db.transaction((tx) => pauseProvider(tx, { provider_id, until, reason, by: actorOf(request) }))
        await forgetStandings(app)
        return providerView(await providerOf(app, request.params.id), app.clock.now())
      },
    )

    server.post(
      '/api/admin/providers/:id/resume',
      {
        config: { permission: 'providers:edit', idempotent: 'A provider that is not paused is left as it is.' },
        schema: {
          summary: 'End a provider’s pause',
          tags,
          params,
          body: z.strictObject({ reason: reason.optional() }).nullish(),
          response: { 200: providerShape },
        },
      },
      async (request) => {
        const by = { by: actorOf(request), reason: request.body?.reason }
        await app.db.transaction((tx) => resumeProvider(tx, BigInt(request.params.id), by))
        await forgetStandings(app)
        return providerView(await providerOf(app, request.params.id), app.clock.now())
      },
    )
  }
}
