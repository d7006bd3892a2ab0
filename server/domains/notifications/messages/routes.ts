import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { actorOf } from '#server/domains/identity/actor-of.ts'
import type { App } from '#server/platform/app.ts'
import { keysetCursor } from '#server/platform/http/cursor.ts'
import { KIND_NAMES } from '../texts/kinds.ts'
import { MESSAGE_STATES, type Message, SENT_CHANNELS } from './message.ts'
import { listMessages, MESSAGES_PAGE_MAX } from './queries.ts'
import { resendMessage } from './resend-message.ts'

const PAGE_DEFAULT = 50
const cursor = keysetCursor({ id: 'bigint' })
const tags = ['messages']
const id = z.string().regex(/^[1-9]\d{0,18}$/, 'must be a number such as 17')

const messageShape = z.object({
  id: z.string().meta({ example: '17' }),
  channel: z.enum(SENT_CHANNELS),
  kind: z.enum(KIND_NAMES),
  user_id: z.string().nullable(),
  address: z.string().nullable().meta({ description: 'Where to, when not to the user’s own address or chat.' }),
  state: z
    .enum(MESSAGE_STATES)
    .meta({ description: '`dead`: given up, with the reason; `dropped`: nothing was to be sent any more.' }),
  attempts: z.int(),
  created_at: z.iso.datetime(),
  next_at: z.iso.datetime().nullable().meta({ description: 'While waiting: not before this.' }),
  ended_at: z.iso.datetime().nullable(),
  reason: z.string().nullable().meta({ example: 'refused:550' }),
  reply: z.string().nullable().meta({ description: 'What the other side said.', example: '550 5.1.1 No such mailbox' }),
})

const page = z.object({
  state: z.enum(MESSAGE_STATES).optional(),
  channel: z.enum(SENT_CHANNELS).optional(),
  kind: z.enum(KIND_NAMES).optional(),
  user_id: id.optional(),
  limit: z.coerce.number().int().min(1).max(MESSAGES_PAGE_MAX).default(PAGE_DEFAULT),
  cursor: z.string().optional().meta({ description: 'From `next_cursor` or the Link header of the page before.' }),
})

/** Messages on their way and sent, for staff. Register it under a scope that `guardRoutes` guards. */
export function messageRoutes(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.get(
      '/api/admin/messages',
      {
        config: { permission: 'messages:read' },
        schema: {
          summary: 'Mails and Telegram messages',
          description:
            'Newest first: what waits, what was sent, what was given up and why. Texts and links are not kept.',
          tags,
          querystring: page,
          response: {
            200: z.object({ data: z.array(messageShape), has_more: z.boolean(), next_cursor: z.string().nullable() }),
          },
        },
      },
      async (request, reply) => {
        const { limit, cursor: given, user_id, ...filter } = request.query
        const before = given === undefined ? undefined : cursor.decode(given).id
        const of = { ...filter, limit, before, user_id: user_id === undefined ? undefined : BigInt(user_id) }
        const found = await listMessages(app.db, of)
        const messages = found.slice(0, limit)
        return { data: messages.map(messageView), ...cursor.next(request, reply, messages, found.length > limit) }
      },
    )
    server.post(
      '/api/admin/messages/:id/resend',
      {
        config: { permission: 'messages:edit', idempotent: 'a message that is on its way is not sent twice' },
        schema: {
          summary: 'Send a message once more',
          description: 'One that was given up, dropped or seems lost; 409 while it is on its way.',
          tags,
          params: z.object({ id }),
          response: { 200: messageShape },
        },
      },
      async (request) => {
        const by = { now: app.clock.now(), actor: actorOf(request) }
        return messageView(await app.db.transaction((tx) => resendMessage(tx, BigInt(request.params.id), by)))
      },
    )
  }
}

function messageView(message: Message): z.output<typeof messageShape> {
  const { channel, kind, address, state, attempts, reason, reply } = message
  return {
    ...{ channel, kind, address, state, attempts, reason, reply },
    id: String(message.id),
    user_id: message.user_id?.toString() ?? null,
    created_at: message.created_at.toISOString(),
    next_at: message.next_at?.toISOString() ?? null,
    ended_at: message.ended_at?.toISOString() ?? null,
  }
}
