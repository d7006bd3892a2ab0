import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { App } from '#server/platform/app.ts'
import { actorOf } from '../actor-of.ts'
import { ApiKeyNotFoundError, UserNotFoundError } from '../errors.ts'
import { apiKeysOf, userById } from '../queries.ts'
import { REASON_MAX } from '../user.ts'
import { apiKeyShape, apiKeyView } from './api-key-view.ts'
import { reinstateKey } from './reinstate-key.ts'
import { suspendKey } from './suspend-key.ts'

const tags = ['staff']
const id = z.string().regex(/^[1-9]\d{0,17}$/)
const theirs = z.object({ id })
const theirKey = z.object({ id, key_id: id })
const why = z.strictObject({
  reason: z.string().trim().min(1).max(REASON_MAX).meta({ example: 'Their key is in a public repository.' }),
})

/** Users' API keys, as staff see and suspend them. Register it under a scope that `guardRoutes` guards. */
export function staffKeyRoutes(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    await server.register(suspensionRoutes(app))
    server.get(
      '/api/admin/users/:id/api-keys',
      {
        config: { permission: 'api-keys:read' },
        schema: {
          summary: 'A user’s API keys',
          description: 'As the user sees them; the keys themselves nobody sees.',
          tags,
          params: theirs,
          response: { 200: z.object({ data: z.array(apiKeyShape) }) },
        },
      },
      async (request) => {
        const user_id = BigInt(request.params.id)
        if (!(await userById(app, user_id))) throw new UserNotFoundError()
        return { data: (await apiKeysOf(app, user_id)).map(apiKeyView) }
      },
    )
  }
}

function suspensionRoutes(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.post(
      '/api/admin/users/:id/api-keys/:key_id/suspend',
      {
        config: { permission: 'api-keys:suspend', idempotent: 'one that is suspended stays as it is' },
        schema: {
          summary: 'Suspend a user’s API key',
          description:
            'Everywhere within a second. Its owner is told why, and can rotate or revoke it; reinstate it can staff alone. Orders that were placed with it go on.',
          tags,
          params: theirKey,
          body: why,
          response: { 200: apiKeyShape },
        },
      },
      async (request) => {
        const key = keyIn(request.params)
        await suspendKey(app, { ...key, by: 'staff', reason: request.body.reason, actor: actorOf(request) })
        const found = (await apiKeysOf(app, key.user_id)).find((each) => each.id === key.key_id)
        if (!found) throw new ApiKeyNotFoundError()
        return apiKeyView(found)
      },
    )

    server.post(
      '/api/admin/users/:id/api-keys/:key_id/reinstate',
      {
        config: { permission: 'api-keys:suspend', idempotent: 'one that is not suspended stays as it is' },
        schema: {
          summary: 'Reinstate a user’s API key',
          description: 'Everywhere within a second; it is counted anew from then on.',
          tags,
          params: theirKey,
          body: why,
          response: { 200: apiKeyShape },
        },
      },
      async (request) => {
        const { reason } = request.body
        return apiKeyView(
          await reinstateKey(app, { ...keyIn(request.params), as: 'staff', actor: actorOf(request), reason }),
        )
      },
    )
  }
}

function keyIn(params: z.output<typeof theirKey>): { user_id: bigint; key_id: bigint } {
  return { user_id: BigInt(params.id), key_id: BigInt(params.key_id) }
}
