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
import type { ApiKey } from './api-key.ts'
import { createApiKey } from './create-api-key.ts'
import { editApiKey } from './edit-api-key.ts'
import { revokeApiKey } from './revoke-api-key.ts'
import { OVERLAP_HOURS, OVERLAP_HOURS_MAX, rotateApiKey } from './rotate-api-key.ts'

const scope = z.enum(Object.keys(SCOPES) as [Scope, ...Scope[]])

const apiKeyShape = z.object({
  id: z.string().meta({ example: '12' }),
  name: z.string().meta({ example: 'my shop' }),
  prefix: z.string().meta({ example: 'sk_AbCdEf' }),
  scopes: z.array(z.string()).meta({ example: ['read', 'order'] }),
  allowed_ips: z.array(z.string()).meta({ example: ['192.0.2.0/24'] }),
  legacy_get: z.boolean().meta({ description: 'Whether the key may stand in the URL of a GET on /api/v2.' }),
  created_at: z.iso.datetime(),
  expires_at: z.iso.datetime().nullable(),
  last_used_at: z.iso.datetime().nullable().meta({ description: 'To about a minute.' }),
  rotated_from: z.string().nullable().meta({ description: 'The key that this one took the place of.', example: null }),
})

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
            'Makes a key in the place of this one, with the same name, scopes and networks. The old one goes on for some hours. The new key is in this answer and never shown again.',
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

function apiKeyView(key: ApiKey): z.output<typeof apiKeyShape> {
  const { user_id: _, ...shown } = key
  return {
    ...shown,
    id: key.id.toString(),
    created_at: key.created_at.toISOString(),
    expires_at: key.expires_at?.toISOString() ?? null,
    last_used_at: key.last_used_at?.toISOString() ?? null,
    rotated_from: key.rotated_from?.toString() ?? null,
  }
}
