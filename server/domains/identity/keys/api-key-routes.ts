import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { App } from '#server/platform/app.ts'
import { once } from '#server/platform/idempotency/once.ts'
import { actorOf } from '../actor-of.ts'
import { ALLOWED_IPS_MAX } from '../allowed-ips.ts'
import { principalOf } from '../guard-routes.ts'
import { SCOPES, type Scope } from '../principal.ts'
import { apiKeysOf } from '../queries.ts'
import { NAME_MAX } from '../user.ts'
import { apiKeyShape, apiKeyView } from './api-key-view.ts'
import { createApiKey } from './create-api-key.ts'
import { editApiKey } from './edit-api-key.ts'
import { reinstateKey } from './reinstate-key.ts'
import { revokeApiKey } from './revoke-api-key.ts'
import { OVERLAP_HOURS, OVERLAP_HOURS_MAX, rotateApiKey } from './rotate-api-key.ts'

const scope = z.enum(Object.keys(SCOPES) as [Scope, ...Scope[]])

const withKey = apiKeyShape.extend({ key: z.string().meta({ example: 'sk_…' }) })

const fields = {
  name: z.string().min(1).max(NAME_MAX).meta({ example: 'my shop' }),
  scopes: z.array(scope).min(1).max(20).optional(),
  allowed_ips: z.array(z.string().max(50)).max(ALLOWED_IPS_MAX).optional(),
  legacy_get: z.boolean().optional(),
}

const newKey = z.strictObject({ ...fields, expires_at: z.iso.datetime({ offset: true }).optional() })

const keyChange = z.strictObject({ ...fields, name: fields.name.optional() })

const rotation = z.strictObject({
  overlap_hours: z.int().min(0).max(OVERLAP_HOURS_MAX).default(OVERLAP_HOURS).meta({
    description: 'How long the old key goes on; with 0 it ends at once.',
  }),
})

const keyId = z.object({ id: z.string().regex(/^[1-9]\d{0,17}$/) })

/** A user's own API keys. */
export function apiKeyRoutes(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    await server.register(listAndMake(app))
    await server.register(changeAndRotate(app))
    await server.register(reinstateAndRevoke(app))
  }
}

function listAndMake(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.get(
      '/api/v1/api-keys',
      {
        config: { permission: 'api-keys:read:own' },
        schema: {
          summary: 'List my API keys',
          description: 'Newest first, without the revoked ones. Keys that expired are shown for a month.',
          tags: ['account'],
          response: { 200: z.object({ data: z.array(apiKeyShape) }) },
        },
      },
      async (request) => ({ data: (await apiKeysOf(app, principalOf(request).user_id)).map(apiKeyView) }),
    )

    server.post(
      '/api/v1/api-keys',
      {
        config: { permission: 'api-keys:create:own', idempotent: true },
        schema: {
          summary: 'Make an API key',
          description: 'The key is in this answer and never shown again.',
          tags: ['account'],
          body: newKey,
          response: { 201: withKey },
        },
      },
      (request, reply) =>
        once(request, reply, 201, async (within) => {
          const { expires_at, name, ...rest } = request.body
          const { key, api_key } = await createApiKey(within, {
            user_id: principalOf(request).user_id,
            name,
            scopes: rest.scopes ?? ['*'],
            allowed_ips: rest.allowed_ips ?? [],
            legacy_get: rest.legacy_get ?? false,
            by: actorOf(request),
            ...(expires_at === undefined ? {} : { expires_at: new Date(expires_at) }),
          })
          reply.header('cache-control', 'no-store')
          return { ...apiKeyView(api_key), key }
        }),
    )
  }
}

function changeAndRotate(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.patch(
      '/api/v1/api-keys/:id',
      {
        config: { permission: 'api-keys:edit:own' },
        schema: {
          summary: 'Edit an API key',
          description: 'Its name, scopes and networks; what is left out stays. Effective everywhere within a second.',
          tags: ['account'],
          params: keyId,
          body: keyChange,
          response: { 200: apiKeyShape },
        },
      },
      async (request) => {
        const { user_id } = principalOf(request)
        const input = { user_id, key_id: BigInt(request.params.id), change: request.body, by: actorOf(request) }
        return apiKeyView(await editApiKey(app, input))
      },
    )

    server.post(
      '/api/v1/api-keys/:id/rotate',
      {
        config: { permission: 'api-keys:create:own', idempotent: true },
        schema: {
          summary: 'Rotate an API key',
          description:
            'Makes a key in the place of this one, with the same name, scopes and networks. The old one goes on for some hours, or ends at once where it was suspended. The new key is in this answer and never shown again.',
          tags: ['account'],
          params: keyId,
          body: rotation,
          response: { 201: withKey },
        },
      },
      (request, reply) =>
        once(request, reply, 201, async (within) => {
          const { user_id } = principalOf(request)
          const { overlap_hours } = request.body
          const key_id = BigInt(request.params.id)
          const { key, api_key } = await rotateApiKey(within, { user_id, key_id, overlap_hours, by: actorOf(request) })
          reply.header('cache-control', 'no-store')
          return { ...apiKeyView(api_key), key }
        }),
    )
  }
}

function reinstateAndRevoke(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.post(
      '/api/v1/api-keys/:id/reinstate',
      {
        config: { permission: 'api-keys:edit:own', idempotent: 'one that is not suspended stays as it is' },
        schema: {
          summary: 'Reinstate a suspended API key',
          description:
            'For who knows that all was done by themselves: it opens doors again within a second, and is counted anew. A key that others may have is rotated instead. 403 `suspended_by_staff` for one that the house’s people suspended.',
          tags: ['account'],
          params: keyId,
          response: { 200: apiKeyShape },
        },
      },
      async (request) => {
        const key = { user_id: principalOf(request).user_id, key_id: BigInt(request.params.id) }
        return apiKeyView(await reinstateKey(app, { ...key, as: 'owner', actor: actorOf(request) }))
      },
    )

    server.delete(
      '/api/v1/api-keys/:id',
      {
        config: { permission: 'api-keys:revoke:own' },
        schema: { summary: 'Revoke an API key', tags: ['account'], params: keyId, response: { 204: z.null() } },
      },
      async (request, reply) => {
        const { user_id } = principalOf(request)
        await revokeApiKey(app, { user_id, key_id: BigInt(request.params.id), by: actorOf(request) })
        return reply.code(204).send(null)
      },
    )
  }
}
