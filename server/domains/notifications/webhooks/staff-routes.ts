import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { actorOf } from '#server/domains/identity/actor-of.ts'
import type { App } from '#server/platform/app.ts'
import { keysetCursor } from '#server/platform/http/cursor.ts'
import { deliveryPage } from './deliveries/delivery-page.ts'
import { replayDeliveries, replayDelivery } from './deliveries/replay-deliveries.ts'
import { DeliveryNotFoundError, WebhookNotFoundError } from './errors.ts'
import { parseEventId } from './event-id.ts'
import { findDelivery, findWebhook, listWebhooks } from './queries.ts'
import { switchWebhook } from './switch-webhook.ts'
import {
  deliveriesShape,
  deliveryDetailShape,
  deliveryDetailView,
  deliveryId,
  deliveryQuery,
  pageQuery,
  replayedShape,
  replayedView,
  replayInput,
  replayRangeOf,
  replayStartedShape,
  staffWebhookShape,
  staffWebhookView,
  webhookId,
} from './views.ts'
import { withoutQuery } from './webhook.ts'

const tags = ['webhooks']
const READ = { permission: 'webhooks:read' }
const MANAGE = { permission: 'webhooks:manage' }
const REPLAY = { ...MANAGE, idempotent: 'what is on its way already is left alone' }
const SWITCH = { ...MANAGE, idempotent: 'switching it to what it is does nothing' }

/** Everybody's webhooks, for staff. Register it under a scope that `guardRoutes` guards. */
export function staffWebhookRoutes(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    await server.register(readingRoutes(app))
    await server.register(logRoutes(app))
    await server.register(switchingRoutes(app))
    await server.register(replayRoutes(app))
  }
}

/** Newest first. */
const cursor = keysetCursor({ id: 'bigint' })

const listQuery = pageQuery.extend({
  user: webhookId.shape.id.optional().meta({ description: 'Only those of this user.' }),
  state: z.enum(['enabled', 'disabled']).optional(),
  failing: z.enum(['true', 'false']).optional().meta({ description: 'Whether the last attempt failed.' }),
})

const listShape = z.object({
  data: z.array(staffWebhookShape),
  has_more: z.boolean(),
  next_cursor: z.string().nullable(),
})

function readingRoutes(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.get(
      '/api/admin/webhooks',
      {
        config: READ,
        schema: {
          summary: 'List the webhooks of all users',
          description: 'Newest first. The next page is at `Link: <…>; rel="next"`; no such header, no further page.',
          tags,
          querystring: listQuery,
          response: { 200: listShape },
        },
      },
      async (request, reply) => {
        const { limit, cursor: given, user, state, failing } = request.query
        const webhooks = await listWebhooks(app.db, {
          user_id: user === undefined ? undefined : BigInt(user),
          state,
          failing: failing === undefined ? undefined : failing === 'true',
          before: given === undefined ? undefined : cursor.decode(given).id,
          limit: limit + 1,
        })
        const shown = webhooks.slice(0, limit)
        return { data: shown.map(staffWebhookView), ...cursor.next(request, reply, shown, webhooks.length > limit) }
      },
    )

    server.get(
      '/api/admin/webhooks/:id',
      {
        config: READ,
        schema: { summary: 'A webhook of any user', tags, params: webhookId, response: { 200: staffWebhookShape } },
      },
      async (request) => staffWebhookView(await webhookOf(app, request.params.id)),
    )
  }
}

async function webhookOf(app: App, id: string) {
  const webhook = await findWebhook(app.db, anyones(id))
  if (!webhook) throw new WebhookNotFoundError()
  return webhook
}

function anyones(id: string) {
  return { webhook_id: BigInt(id), user_id: undefined }
}

function logRoutes(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.get(
      '/api/admin/webhooks/:id/deliveries',
      {
        config: READ,
        schema: {
          summary: 'List the deliveries to a webhook',
          description: 'Newest event first.',
          tags,
          params: webhookId,
          querystring: deliveryQuery.omit({ webhook: true }),
          response: { 200: deliveriesShape },
        },
      },
      async (request, reply) => {
        const { id } = await webhookOf(app, request.params.id)
        return deliveryPage(app.db, [id], request, reply)
      },
    )

    server.get(
      '/api/admin/webhooks/:id/deliveries/:event',
      {
        config: READ,
        schema: {
          summary: 'A delivery with every attempt',
          tags,
          params: deliveryId,
          response: { 200: deliveryDetailShape },
        },
      },
      async (request) => {
        const { id } = await webhookOf(app, request.params.id)
        const event_id = parseEventId(request.params.event)
        const found = event_id && (await findDelivery(app.db, id, event_id))
        if (!found) throw new DeliveryNotFoundError()
        return deliveryDetailView(found, withoutQuery)
      },
    )
  }
}

const REASON_MAX = 500
const disabling = z.strictObject({
  reason: z.string().trim().min(1).max(REASON_MAX).meta({ example: 'It floods its receiver, who asked us to stop.' }),
})

function switchingRoutes(app: App): FastifyPluginAsyncZod {
  const schema = { tags, params: webhookId, response: { 200: staffWebhookShape } }
  return async (server) => {
    server.post(
      '/api/admin/webhooks/:id/disable',
      {
        config: SWITCH,
        schema: { ...schema, summary: 'Disable a webhook', description: 'Its owner is told.', body: disabling },
      },
      async (request) => {
        const to = { on: false, by: 'staff', reason: request.body.reason } as const
        return staffWebhookView(await switchWebhook(app, anyones(request.params.id), to, actorOf(request)))
      },
    )

    server.post(
      '/api/admin/webhooks/:id/enable',
      { config: SWITCH, schema: { ...schema, summary: 'Enable a webhook' } },
      async (request) =>
        staffWebhookView(await switchWebhook(app, anyones(request.params.id), { on: true }, actorOf(request))),
    )
  }
}

function replayRoutes(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.post(
      '/api/admin/webhooks/:id/deliveries/:event/replay',
      {
        config: REPLAY,
        schema: {
          summary: 'Send a delivery again',
          tags,
          params: deliveryId,
          response: { 202: replayStartedShape },
        },
      },
      async (request, reply) => {
        const event_id = parseEventId(request.params.event)
        if (!event_id) throw new DeliveryNotFoundError()
        const replayed = await replayDelivery(app, anyones(request.params.id), event_id, actorOf(request))
        return reply.code(202).send({ replayed })
      },
    )

    server.post(
      '/api/admin/webhooks/:id/replay',
      {
        config: REPLAY,
        schema: {
          summary: 'Send the deliveries of a time again',
          description: 'Those that have failed, or all; the oldest first, up to 1,000 a call.',
          tags,
          params: webhookId,
          body: replayInput,
          response: { 202: replayedShape },
        },
      },
      async (request, reply) => {
        const of = anyones(request.params.id)
        const replayed = await replayDeliveries(app, of, replayRangeOf(request.body), actorOf(request))
        return reply.code(202).send(replayedView(replayed))
      },
    )
  }
}
