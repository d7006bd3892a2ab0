import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { actorOf } from '#server/domains/identity/actor-of.ts'
import { principalOf } from '#server/domains/identity/guard-routes.ts'
import type { App } from '#server/platform/app.ts'
import { amountText } from '../limits/customer-limit.ts'
import { ORDERS_MAX } from './key-quota.ts'
import { quotaShape, quotaView } from './quota-views.ts'
import { readQuota } from './read-quota.ts'
import { setQuota } from './set-quota.ts'

const REASON_MAX = 500

const id = z.string().regex(/^[1-9]\d{0,17}$/)
const ownKey = z.object({ id })
const theirKey = z.object({ id, key_id: id })

const maxima = {
  orders_per_day: z
    .int()
    .min(0)
    .max(ORDERS_MAX)
    .nullable()
    .optional()
    .meta({ description: 'How many orders; each run of a drip-feed is one. Null: no quota.', example: 500 }),
  spend_per_day: amountText
    .nullable()
    .optional()
    .meta({ description: 'For how much. Null: no quota.', example: '150.00' }),
}

const change = z.strictObject(maxima)
const staffChange = z.strictObject({
  ...maxima,
  reason: z.string().trim().min(1).max(REASON_MAX).meta({ example: 'Agreed with them by mail.' }),
})

/** How much may be ordered with an API key in a day: for its owner and for staff. Register it under a scope that `guardRoutes` guards. */
export function quotaRoutes(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    await server.register(ownQuotaRoutes(app))
    await server.register(staffQuotaRoutes(app))
  }
}

function ownQuotaRoutes(app: App): FastifyPluginAsyncZod {
  const path = '/api/v1/api-keys/:id/quota'
  return async (server) => {
    server.get(
      path,
      {
        config: { permission: 'api-keys:read:own' },
        schema: {
          summary: 'The daily quota of an API key',
          description:
            'What may be ordered with it in a day, and what is left. The key itself asks `GET /api/v1/limits`.',
          tags: ['account'],
          params: ownKey,
          response: { 200: quotaShape },
        },
      },
      async (request) => quotaView(await readQuota(app, principalOf(request).user_id, BigInt(request.params.id))),
    )

    server.put(
      path,
      {
        config: { permission: 'api-keys:edit:own' },
        schema: {
          summary: 'Set the daily quota of an API key',
          description:
            'It holds for every order from then on; what was ordered with the key today counts. Where the house set a quota too, the smaller one holds. A key that takes the place of this one has the same quota, and both share it. What is left out stays.',
          tags: ['account'],
          params: ownKey,
          body: change,
          response: { 200: quotaShape },
        },
      },
      async (request) => {
        const key = { user_id: principalOf(request).user_id, key_id: BigInt(request.params.id) }
        await setQuota(app, { ...key, ...maximaOf(request.body), of: 'own', by: actorOf(request) })
        return quotaView(await readQuota(app, key.user_id, key.key_id))
      },
    )
  }
}

function staffQuotaRoutes(app: App): FastifyPluginAsyncZod {
  const path = '/api/admin/users/:id/api-keys/:key_id/quota'
  return async (server) => {
    server.get(
      path,
      {
        config: { permission: 'limits:read' },
        schema: {
          summary: 'The daily quota of a customer’s API key',
          tags: ['staff'],
          params: theirKey,
          response: { 200: quotaShape },
        },
      },
      async (request) => quotaView(await readQuota(app, BigInt(request.params.id), BigInt(request.params.key_id))),
    )

    server.put(
      path,
      {
        config: { permission: 'limits:edit' },
        schema: {
          summary: 'Set the daily quota of a customer’s API key',
          description: 'The house’s; where the owner set one too, the smaller one holds. What is left out stays.',
          tags: ['staff'],
          params: theirKey,
          body: staffChange,
          response: { 200: quotaShape },
        },
      },
      async (request) => {
        const key = { user_id: BigInt(request.params.id), key_id: BigInt(request.params.key_id) }
        const { reason } = request.body
        await setQuota(app, { ...key, ...maximaOf(request.body), of: 'staff', by: actorOf(request), reason })
        return quotaView(await readQuota(app, key.user_id, key.key_id))
      },
    )
  }
}

function maximaOf({ orders_per_day, spend_per_day }: z.output<typeof change>) {
  return {
    ...(orders_per_day !== undefined && { orders_max: orders_per_day }),
    ...(spend_per_day !== undefined && { spend_max: spend_per_day }),
  }
}
