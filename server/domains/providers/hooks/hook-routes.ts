import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { actorOf } from '#server/domains/identity/actor-of.ts'
import type { App } from '#server/platform/app.ts'
import type { Secrets } from '#server/platform/secrets/secrets.ts'
import { HookNotFoundError } from '../errors.ts'
import type { Hook } from './hook.ts'
import { findHook } from './queries.ts'
import { removeHook } from './remove-hook.ts'
import { rotateHook } from './rotate-hook.ts'

const tags = ['providers']
const params = z.object({ id: z.string().regex(/^[1-9]\d{0,17}$/, 'must be the number of a provider') })

const hookShape = z.object({
  provider_id: z.string().meta({ example: '1' }),
  rotated_at: z.iso.datetime(),
  calls: z.string().meta({ description: 'That were taken.', example: '412' }),
  known: z.string().meta({ description: 'Orders in them that we know.', example: '409' }),
  unknown: z.string().meta({ description: 'And others, which were passed over.', example: '3' }),
  last_call_at: z.iso.datetime().nullable(),
})

/** Letting providers call us, for staff. Register it under a scope that `guardRoutes` guards. */
export function hookRoutes(app: App, secrets: Secrets): FastifyPluginAsyncZod {
  return async (server) => {
    await server.register(seeingRoute(app))
    await server.register(changingRoutes(app, secrets))
  }
}

const PATH = '/api/admin/providers/:id/hook'

function seeingRoute(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.get(
      PATH,
      {
        config: { permission: 'providers:read' },
        schema: {
          summary: 'See what a provider’s calls came to',
          description: '404 `hook_not_found` where it may not call us.',
          tags,
          params,
          response: { 200: hookShape },
        },
      },
      async (request) => {
        const hook = await findHook(app.db, BigInt(request.params.id))
        if (!hook) throw new HookNotFoundError()
        return hookView(hook)
      },
    )
  }
}

function changingRoutes(app: App, secrets: Secrets): FastifyPluginAsyncZod {
  return async (server) => {
    server.post(
      PATH,
      {
        config: {
          permission: 'providers:edit',
          idempotent: 'Each call makes a new secret, and the one before ends: of two answers the later holds.',
        },
        schema: {
          summary: 'Let a provider call us, with a new secret',
          description:
            'The secret is told once; one before ends at once. The provider calls `POST` at `path` with whatever names its orders, or at `signed_path` with `X-Signature`, the hexadecimal HMAC-SHA256 of the body by the secret. Nothing it says is believed: the orders it names are asked about now. 404 `provider_not_found`.',
          tags,
          params,
          response: {
            201: z.object({
              secret: z.string().meta({ example: 'whsec_…' }),
              path: z.string().meta({ example: '/hooks/providers/1/whsec_…' }),
              signed_path: z.string().meta({ example: '/hooks/providers/1' }),
            }),
          },
        },
      },
      async (request, reply) => {
        const { id } = request.params
        const secret = await rotateHook(app, secrets, BigInt(id), actorOf(request))
        const signed_path = `/hooks/providers/${id}`
        reply.code(201).header('cache-control', 'no-store')
        return { secret, path: `${signed_path}/${secret}`, signed_path }
      },
    )

    server.delete(
      PATH,
      {
        config: { permission: 'providers:edit' },
        schema: {
          summary: 'Let a provider call us no more',
          description: '404 `hook_not_found` where it may not.',
          tags,
          params,
          response: { 204: z.null() },
        },
      },
      async (request, reply) => {
        if (!(await removeHook(app, BigInt(request.params.id), actorOf(request)))) throw new HookNotFoundError()
        return reply.code(204).send(null)
      },
    )
  }
}

function hookView(hook: Hook): z.output<typeof hookShape> {
  return {
    provider_id: String(hook.provider_id),
    rotated_at: hook.rotated_at.toISOString(),
    calls: String(hook.calls),
    known: String(hook.known),
    unknown: String(hook.unknown),
    last_call_at: hook.last_call_at?.toISOString() ?? null,
  }
}
