import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { actorOf } from '#server/domains/identity/actor-of.ts'
import { principalOf } from '#server/domains/identity/guard-routes.ts'
import type { App } from '#server/platform/app.ts'
import { ChannelNotConfiguredError } from '../../messages/errors.ts'
import { type BotAccess, callBot } from './call-bot.ts'
import { chatOf } from './chats.ts'
import { makeLinkCode, unlinkChat } from './link-chat.ts'

const tags = ['messages']
const ASK_MS = 5_000

const chatShape = z.object({
  available: z.boolean().meta({ description: 'Whether this house has a bot.' }),
  chat: z
    .object({
      name: z.string().meta({ example: 'Ada' }),
      linked_at: z.iso.datetime(),
      off: z
        .object({ reason: z.enum(['blocked', 'stopped', 'chat_gone']), at: z.iso.datetime() })
        .nullable()
        .meta({ description: 'Why nothing is sent there any more; null while it is on.' }),
    })
    .nullable(),
})

const codeShape = z.object({
  code: z.string().meta({ description: 'To be said to the bot, once.', example: 'K7M2Q9XWPA4T' }),
  url: z.string().nullable().meta({
    description: 'Opens the bot and says the code to it.',
    example: 'https://t.me/saldo_bot?start=K7M2Q9XWPA4T',
  }),
  expires_at: z.iso.datetime(),
})

/** The user's own Telegram chat. Register it under a scope that `guardRoutes` guards. */
export function telegramRoutes(app: App): FastifyPluginAsyncZod {
  const { telegram_token: token, telegram_url: base_url } = app.config
  const bot: BotAccess | undefined = token === undefined ? undefined : { token, base_url }
  return async (server) => {
    server.get(
      '/api/v1/telegram',
      {
        config: { permission: 'messages:read:own' },
        schema: { summary: 'My Telegram chat', tags, response: { 200: chatShape } },
      },
      async (request) => chatView(app, principalOf(request).user_id, bot !== undefined),
    )
    server.post(
      '/api/v1/telegram/code',
      {
        config: { permission: 'messages:edit:own', idempotent: 'a new code voids the one before' },
        schema: {
          summary: 'Link a Telegram chat',
          description:
            'Answers a code; whoever says it to the bot gets your messages. It works once, for a quarter of an hour.',
          tags,
          response: { 201: codeShape },
        },
      },
      async (request, reply) => {
        if (!bot) throw new ChannelNotConfiguredError('Telegram')
        const { user_id } = principalOf(request)
        const username = await usernameOf(app, bot)
        const { code, expires_at } = await app.db.transaction((tx) => makeLinkCode(tx, user_id, app.clock.now()))
        const url = username === undefined ? null : `${chatBase(bot)}/${username}?start=${code}`
        return reply
          .code(201)
          .header('cache-control', 'no-store')
          .send({ code, url, expires_at: expires_at.toISOString() })
      },
    )
    server.delete(
      '/api/v1/telegram',
      {
        config: { permission: 'messages:edit:own' },
        schema: { summary: 'Unlink my Telegram chat', tags, response: { 204: z.null() } },
      },
      async (request, reply) => {
        const actor = actorOf(request)
        await app.db.transaction((tx) => unlinkChat(tx, principalOf(request).user_id, actor))
        return reply.code(204).send(null)
      },
    )
  }
}

async function chatView(app: App, user_id: bigint, available: boolean): Promise<z.output<typeof chatShape>> {
  const chat = await chatOf(app.db, user_id)
  if (!chat) return { available, chat: null }
  const { chat_name: name, linked_at, off_reason, off_at } = chat
  const off = off_reason && off_at ? { reason: off_reason, at: off_at.toISOString() } : null
  return { available, chat: { name, linked_at: linked_at.toISOString(), off } }
}

/** A bot keeps its name, so it is asked for once a process. Undefined when it cannot be asked: the code works without a link. */
const usernames = new Map<string, string>()

async function usernameOf(app: App, bot: BotAccess): Promise<string | undefined> {
  const known = usernames.get(bot.token)
  if (known !== undefined) return known
  const answer = await callBot(app, bot, 'getMe', {}, ASK_MS)
  const parsed = z.object({ username: z.string().regex(/^\w{3,64}$/) }).safeParse(answer.kind === 'ok' && answer.result)
  if (!parsed.success) return undefined
  usernames.set(bot.token, parsed.data.username)
  return parsed.data.username
}

/** Where people open a bot: at t.me, or at whatever stands in for Telegram. */
function chatBase({ base_url }: BotAccess): string {
  return base_url === 'https://api.telegram.org' ? 'https://t.me' : `${base_url.replace(/\/$/, '')}/t.me`
}
