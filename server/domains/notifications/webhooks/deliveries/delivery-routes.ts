import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { actorOf } from '#server/domains/identity/actor-of.ts'
import { principalOf } from '#server/domains/identity/guard-routes.ts'
import type { App } from '#server/platform/app.ts'
import { DeliveryNotFoundError, WebhookNotFoundError } from '../errors.ts'
import { parseEventId } from '../event-id.ts'
import { findDelivery, findWebhook, webhooksOf } from '../queries.ts'
import {
  deliveriesShape,
  deliveryDetailShape,
  deliveryDetailView,
  deliveryId,
  deliveryQuery,
  replayedShape,
  replayedView,
  replayInput,
  replayRangeOf,
  replayStartedShape,
  webhookId,
} from '../views.ts'
import { deliveryPage } from './delivery-page.ts'
import { replayDeliveries, replayDelivery } from './replay-deliveries.ts'

const tags = ['webhooks']
const READ = { permission: 'webhooks:read:own' }
const REPLAY = { permission: 'webhooks:replay:own', idempotent: 'what is on its way already is left alone' }

/** What went to a user's own webhooks, and how to send it again. */
export function deliveryRoutes(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    await server.register(logRoutes(app))
    await server.register(replayRoutes(app))
  }
}

function logRoutes(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.get(
      '/api/v1/webhooks/deliveries',
      {
        config: READ,
        schema: {
          summary: 'List the deliveries to my webhooks',
          description:
            'Newest event first; of all webhooks, of one, of one event, of one state. The next page is at `Link: <…>; rel="next"`; no such header, no further page.',
          tags,
          querystring: deliveryQuery,
          response: { 200: deliveriesShape },
        },
      },
      async (request, reply) => {
        const mine = (await webhooksOf(app.db, principalOf(request).user_id)).map((webhook) => webhook.id)
        const wanted = request.query.webhook
        if (wanted !== undefined && !mine.includes(BigInt(wanted))) throw new WebhookNotFoundError()
        return deliveryPage(app.db, wanted === undefined ? mine : [BigInt(wanted)], request, reply)
      },
    )

    server.get(
      '/api/v1/webhooks/:id/deliveries/:event',
      {
        config: READ,
        schema: {
          summary: 'One delivery, with every attempt',
          description: 'What was sent, what came back, and when. Secrets in answers are masked.',
          tags,
          params: deliveryId,
          response: { 200: deliveryDetailShape },
        },
      },
      async (request) => {
        const { id, event } = request.params
        const of = { webhook_id: BigInt(id), user_id: principalOf(request).user_id }
        if (!(await findWebhook(app.db, of))) throw new WebhookNotFoundError()
        const event_id = parseEventId(event)
        const found = event_id && (await findDelivery(app.db, of.webhook_id, event_id))
        if (!found) throw new DeliveryNotFoundError()
        return deliveryDetailView(found)
      },
    )
  }
}

function replayRoutes(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.post(
      '/api/v1/webhooks/:id/deliveries/:event/replay',
      {
        config: REPLAY,
        schema: {
          summary: 'Send a delivery again',
          description:
            'Now, under the same id, whatever has become of it. Should it fail, nothing more is scheduled than was. `replayed` is false when it is on its way already.',
          tags,
          params: deliveryId,
          response: { 202: replayStartedShape },
        },
      },
      async (request, reply) => {
        const { id, event } = request.params
        const of = { webhook_id: BigInt(id), user_id: principalOf(request).user_id }
        const event_id = parseEventId(event)
        if (!event_id) throw new DeliveryNotFoundError()
        return reply.code(202).send({ replayed: await replayDelivery(app, of, event_id, actorOf(request)) })
      },
    )

    server.post(
      '/api/v1/webhooks/:id/replay',
      {
        config: REPLAY,
        schema: {
          summary: 'Send the deliveries of a time again',
          description:
            'Those that have failed, or all; the oldest first, up to 1,000 a call. With `more` there may be others: call again with `after`.',
          tags,
          params: webhookId,
          body: replayInput,
          response: { 202: replayedShape },
        },
      },
      async (request, reply) => {
        const of = { webhook_id: BigInt(request.params.id), user_id: principalOf(request).user_id }
        const replayed = await replayDeliveries(app, of, replayRangeOf(request.body), actorOf(request))
        return reply.code(202).send(replayedView(replayed))
      },
    )
  }
}
