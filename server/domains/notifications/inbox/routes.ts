import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { principalOf } from '#server/domains/identity/guard-routes.ts'
import { AMOUNT_MAX } from '#server/kit/money.ts'
import type { App } from '#server/platform/app.ts'
import { keysetCursor } from '#server/platform/http/cursor.ts'
import {
  deleteFromInbox,
  INBOX_PAGE_MAX,
  type InboxMessage,
  markAllRead,
  markRead,
  readInbox,
  UNREAD_COUNTED_MAX,
} from './inbox.ts'

const PAGE_DEFAULT = 20
const cursor = keysetCursor({ id: 'bigint' })
const tags = ['messages']

const messageId = z.string().regex(/^[1-9]\d{0,18}$/, 'must be a number such as 17')
const withId = z.object({ id: messageId })

const messageShape = z.object({
  id: z.string().meta({ example: '17' }),
  kind: z.string().meta({ description: 'For programs.', example: 'orders_completed' }),
  topic: z.string().meta({ description: 'What preferences are about.', example: 'orders_completed' }),
  title: z.string().meta({ example: '5 orders completed' }),
  body: z
    .string()
    .meta({ description: 'Plain text; an empty line parts paragraphs.', example: 'Completed: orders 1, 2.' }),
  created_at: z.iso.datetime(),
  read_at: z.iso.datetime().nullable(),
})

const listShape = z.object({
  data: z.array(messageShape),
  unread: z.int().meta({ description: `All that are unread, counted up to ${UNREAD_COUNTED_MAX}.`, example: 2 }),
  has_more: z.boolean(),
  next_cursor: z.string().nullable(),
})

const page = z.object({
  limit: z.coerce.number().int().min(1).max(INBOX_PAGE_MAX).default(PAGE_DEFAULT),
  unread: z.enum(['yes', 'no']).default('no').meta({ description: '`yes`: only what is unread.' }),
  cursor: z.string().optional().meta({ description: 'From `next_cursor` or the Link header of the page before.' }),
})

const upTo = z.strictObject({
  up_to: messageId.meta({ description: 'The newest message that was seen.', example: '17' }),
})

/** The user's own inbox. Register it under a scope that `guardRoutes` guards. */
export function inboxRoutes(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    await server.register(readingRoute(app))
    await server.register(changingRoutes(app))
  }
}

function readingRoute(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.get(
      '/api/v1/inbox',
      {
        config: { permission: 'messages:read:own' },
        schema: {
          summary: 'My messages',
          description: 'Newest first. The next page is at `Link: <…>; rel="next"`; no such header, no further page.',
          tags,
          querystring: page,
          response: { 200: listShape },
        },
      },
      async (request, reply) => {
        const { limit, unread: only, cursor: given } = request.query
        const before = given === undefined ? AMOUNT_MAX : cursor.decode(given).id
        const of = { before, unread_only: only === 'yes', limit }
        const { messages, unread, has_more } = await readInbox(app.db, principalOf(request).user_id, of)
        return { data: messages.map(messageView), unread, ...cursor.next(request, reply, messages, has_more) }
      },
    )
  }
}

function changingRoutes(app: App): FastifyPluginAsyncZod {
  const config = { permission: 'messages:edit:own', idempotent: 'what was read stays read' }
  return async (server) => {
    server.post(
      '/api/v1/inbox/:id/read',
      { config, schema: { summary: 'Mark a message as read', tags, params: withId, response: { 204: z.null() } } },
      async (request, reply) => {
        await markRead(app.db, principalOf(request).user_id, BigInt(request.params.id), app.clock.now())
        return reply.code(204).send(null)
      },
    )
    server.post(
      '/api/v1/inbox/read',
      {
        config,
        schema: {
          summary: 'Mark all as read',
          description: 'Up to the newest that was seen, so that one that comes meanwhile stays unread.',
          tags,
          body: upTo,
          response: { 204: z.null() },
        },
      },
      async (request, reply) => {
        await markAllRead(app.db, principalOf(request).user_id, BigInt(request.body.up_to), app.clock.now())
        return reply.code(204).send(null)
      },
    )
    server.delete(
      '/api/v1/inbox/:id',
      {
        config: { permission: 'messages:edit:own' },
        schema: { summary: 'Delete a message', tags, params: withId, response: { 204: z.null() } },
      },
      async (request, reply) => {
        await deleteFromInbox(app.db, principalOf(request).user_id, BigInt(request.params.id))
        return reply.code(204).send(null)
      },
    )
  }
}

function messageView(message: InboxMessage): z.output<typeof messageShape> {
  return {
    ...message,
    id: String(message.id),
    created_at: message.created_at.toISOString(),
    read_at: message.read_at?.toISOString() ?? null,
  }
}
