import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { actorOf } from '#server/domains/identity/actor-of.ts'
import { principalOf } from '#server/domains/identity/guard-routes.ts'
import type { App } from '#server/platform/app.ts'
import { once } from '#server/platform/idempotency/once.ts'
import { type ResolveName, resolveByDns } from '#server/platform/outbound/resolve-name.ts'
import type { Secrets } from '#server/platform/secrets/secrets.ts'
import { createWebhook } from './create-webhook.ts'
import { deleteWebhook } from './delete-webhook.ts'
import { deliveryRoutes } from './deliveries/delivery-routes.ts'
import { editWebhook } from './edit-webhook.ts'
import { WebhookNotFoundError } from './errors.ts'
import { eventBody } from './event-body.ts'
import { shownEventId } from './event-id.ts'
import { EVENT_TYPE_NAMES, EVENT_TYPES } from './event-types.ts'
import { findWebhook, webhooksOf } from './queries.ts'
import { rotateSecret } from './rotate-secret.ts'
import { sendTestEvent } from './send-test-event.ts'
import { switchWebhook } from './switch-webhook.ts'
import {
  newWebhookInput,
  webhookChangeInput,
  webhookId,
  webhookShape,
  webhookView,
  webhookWithSecretShape,
} from './views.ts'
import { readWebhookUrl } from './webhook-url.ts'

const tags = ['webhooks']
const READ = { permission: 'webhooks:read:own' }

/** A user's own webhooks, their deliveries, and what they can be told of. Register it under a scope that `guardRoutes` guards. */
export function webhookRoutes(app: App, secrets: Secrets): FastifyPluginAsyncZod {
  const resolveName = resolveByDns()
  return async (server) => {
    await server.register(eventTypeRoutes())
    await server.register(readingRoutes(app))
    await server.register(editingRoutes(app, secrets, resolveName))
    await server.register(switchingRoutes(app))
    await server.register(secretRoutes(app, secrets))
    await server.register(deliveryRoutes(app))
  }
}

const eventTypeShape = z.object({
  type: z.string().meta({ example: 'order.completed' }),
  description: z.string(),
  example: z.object({
    type: z.string(),
    timestamp: z.iso.datetime(),
    api_version: z.string(),
    data: z.record(z.string(), z.string().nullable()),
  }),
})

const EXAMPLE_AT = new Date('2026-11-20T12:00:00.000Z')

function eventTypeRoutes(): FastifyPluginAsyncZod {
  const data = EVENT_TYPE_NAMES.map((type) => ({
    type,
    description: EVENT_TYPES[type].description,
    example: JSON.parse(eventBody(type, EXAMPLE_AT, EVENT_TYPES[type].example)),
  }))
  return async (server) => {
    server.get(
      '/api/v1/webhooks/event-types',
      {
        config: READ,
        schema: {
          summary: 'List what webhooks can be told of',
          description: 'Each type with an example of the whole body.',
          tags,
          response: { 200: z.object({ data: z.array(eventTypeShape) }) },
        },
      },
      async () => ({ data }),
    )
  }
}

function readingRoutes(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.get(
      '/api/v1/webhooks',
      {
        config: READ,
        schema: {
          summary: 'List my webhooks',
          description: 'Newest first.',
          tags,
          response: { 200: z.object({ data: z.array(webhookShape) }) },
        },
      },
      async (request) => ({ data: (await webhooksOf(app.db, principalOf(request).user_id)).map(webhookView) }),
    )

    server.get(
      '/api/v1/webhooks/:id',
      {
        config: READ,
        schema: { summary: 'One of my webhooks', tags, params: webhookId, response: { 200: webhookShape } },
      },
      async (request) => {
        const webhook = await findWebhook(app.db, ofOwner(request, request.params.id))
        if (!webhook) throw new WebhookNotFoundError()
        return webhookView(webhook)
      },
    )
  }
}

function editingRoutes(app: App, secrets: Secrets, resolveName: ResolveName): FastifyPluginAsyncZod {
  return async (server) => {
    server.post(
      '/api/v1/webhooks',
      {
        config: { permission: 'webhooks:create:own', idempotent: true },
        schema: {
          summary: 'Make a webhook',
          description: 'The secret by which its requests are signed is in this answer and never shown again.',
          tags,
          body: newWebhookInput,
          response: { 201: webhookWithSecretShape },
        },
      },
      async (request, reply) => {
        // Asks name servers, so before the answer is begun to be kept.
        const url = await readWebhookUrl(request.body.url, app, resolveName)
        return once(request, reply, 201, async (within) => {
          const { user_id } = principalOf(request)
          const made = await createWebhook(within, secrets, { ...request.body, user_id, url }, actorOf(request))
          reply.header('cache-control', 'no-store')
          return { ...webhookView(made.webhook), secret: made.secret }
        })
      },
    )

    server.patch(
      '/api/v1/webhooks/:id',
      {
        config: { permission: 'webhooks:edit:own' },
        schema: {
          summary: 'Change a webhook',
          description: 'What is sent from now on goes by it, retries too. Fields that are absent stay as they are.',
          tags,
          params: webhookId,
          body: webhookChangeInput,
          response: { 200: webhookShape },
        },
      },
      async (request) => {
        const { url, version, ...rest } = request.body
        const change = {
          ...rest,
          url: url === undefined ? undefined : await readWebhookUrl(url, app, resolveName),
          version: version === undefined ? undefined : BigInt(version),
        }
        return webhookView(await editWebhook(app, ofOwner(request, request.params.id), change, actorOf(request)))
      },
    )

    server.delete(
      '/api/v1/webhooks/:id',
      {
        config: { permission: 'webhooks:delete:own' },
        schema: { summary: 'Delete a webhook', tags, params: webhookId, response: { 204: z.null() } },
      },
      async (request, reply) => {
        await deleteWebhook(app, ofOwner(request, request.params.id), actorOf(request))
        return reply.code(204).send(null)
      },
    )
  }
}

function switchingRoutes(app: App): FastifyPluginAsyncZod {
  const config = { permission: 'webhooks:edit:own', idempotent: 'switching it to what it is does nothing' }
  const schema = { tags, params: webhookId, response: { 200: webhookShape } }
  return async (server) => {
    server.post(
      '/api/v1/webhooks/:id/enable',
      {
        config,
        schema: {
          ...schema,
          summary: 'Enable a webhook',
          description: 'It begins anew: what it failed before is forgotten. What it missed can be replayed.',
        },
      },
      async (request) => {
        const of = ofOwner(request, request.params.id)
        return webhookView(await switchWebhook(app, of, { on: true }, actorOf(request)))
      },
    )

    server.post(
      '/api/v1/webhooks/:id/disable',
      {
        config,
        schema: {
          ...schema,
          summary: 'Disable a webhook',
          description: 'Nothing is sent to it. What happens meanwhile is kept as failed deliveries, to be replayed.',
        },
      },
      async (request) => {
        const of = ofOwner(request, request.params.id)
        return webhookView(await switchWebhook(app, of, { on: false, by: 'owner' }, actorOf(request)))
      },
    )
  }
}

const OVERLAP_HOURS_MAX = 24 * 7

const rotation = z
  .strictObject({
    overlap_hours: z.int().min(0).max(OVERLAP_HOURS_MAX).optional().meta({
      description: 'For how long the secret before signs too; 0 ends it at once, as when others may have seen it.',
      example: 24,
    }),
  })
  .nullish()

function secretRoutes(app: App, secrets: Secrets): FastifyPluginAsyncZod {
  return async (server) => {
    server.post(
      '/api/v1/webhooks/:id/rotate-secret',
      {
        config: { permission: 'webhooks:edit:own', idempotent: true },
        schema: {
          summary: 'Change the secret of a webhook',
          description:
            'The new secret is in this answer and never shown again. For a time requests carry two signatures, by the secret before and by the new one; either may be checked.',
          tags,
          params: webhookId,
          body: rotation,
          response: { 200: webhookWithSecretShape },
        },
      },
      (request, reply) =>
        once(request, reply, 200, async (within) => {
          const of = { ...ofOwner(request, request.params.id), overlap_hours: request.body?.overlap_hours }
          const { webhook, secret } = await rotateSecret(within, secrets, of, actorOf(request))
          reply.header('cache-control', 'no-store')
          return { ...webhookView(webhook), secret }
        }),
    )

    server.post(
      '/api/v1/webhooks/:id/test',
      {
        config: { permission: 'webhooks:replay:own', idempotent: 'each is a test of its own, and changes nothing' },
        schema: {
          summary: 'Send a test event to a webhook',
          description: 'One attempt at a `webhook.test`. How it went is in the delivery of that event.',
          tags,
          params: webhookId,
          response: { 202: z.object({ event: z.string().meta({ example: 'msg_019a9f3c2b7c7a3e8d1b0c9e5f7a1d2e' }) }) },
        },
      },
      async (request, reply) => {
        const event = await sendTestEvent(app, ofOwner(request, request.params.id), actorOf(request))
        return reply.code(202).send({ event: shownEventId(event) })
      },
    )
  }
}

function ofOwner(request: Parameters<typeof principalOf>[0], id: string) {
  return { webhook_id: BigInt(id), user_id: principalOf(request).user_id }
}
