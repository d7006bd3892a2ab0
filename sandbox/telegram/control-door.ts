import { z } from 'zod'
import { type DoorRoute, Page, SeeOther } from '../door/open-door.ts'
import { ControlError, readInput } from '../provider/control-input.ts'
import { type Bot, type Chat, type ChatMessage, chatOf, say } from './bot.ts'
import { TELEGRAM_FAULTS } from './faults.ts'
import { chatPage, startPage } from './pages.ts'

/** The chat in which the pages speak. */
const PAGE_CHAT = 1_001
const LISTED_MAX = 100
const WAIT_MS_MAX = 60_000

const SAY = z.strictObject({
  text: z.string().min(1).max(4_096),
  first_name: z.string().max(64).optional(),
  username: z.string().max(32).optional(),
})
const WANTED = z.strictObject({
  chat: z.coerce.number().int().optional(),
  text: z.string().max(200).optional(),
  after: z.coerce.number().int().min(0).optional(),
  timeout_ms: z.coerce.number().int().min(1).max(WAIT_MS_MAX).default(10_000),
})
type Wanted = Omit<z.output<typeof WANTED>, 'timeout_ms'>

export const CONTROL_ROUTES: readonly DoorRoute<Bot>[] = [
  ['GET', /^\/$/, ({ world }) => new Page(chatPage(world, PAGE_CHAT))],
  [
    'POST',
    /^\/say$/,
    ({ world, body }) => {
      say(world, chatOf(world, PAGE_CHAT), readInput(SAY, body).text)
      return new SeeOther('/')
    },
  ],
  // What t.me shows before a person starts a bot.
  ['GET', /^\/t\.me\/(\w+)$/, ({ world, query }) => new Page(startPage(world, query.get('start') ?? ''))],
  [
    'POST',
    /^\/control\/chats\/(\d{1,15})\/say$/,
    ({ world, parts, body }) => {
      const { text, ...names } = readInput(SAY, body)
      return say(world, chatOf(world, Number(parts[0]), names), text)
    },
  ],
  ['POST', /^\/control\/chats\/(\d{1,15})\/block$/, ({ world, parts }) => block(world, parts[0], true)],
  ['POST', /^\/control\/chats\/(\d{1,15})\/unblock$/, ({ world, parts }) => block(world, parts[0], false)],
  [
    'GET',
    /^\/control\/messages$/,
    ({ world, query }) => {
      const wanted = readInput(WANTED, Object.fromEntries(query))
      return { messages: sent(world, wanted).slice(-LISTED_MAX).toReversed() }
    },
  ],
  ['GET', /^\/control\/messages\/wait$/, ({ world, query }) => waitForMessage(world, query)],
  ['GET', /^\/control\/faults$/, ({ world }) => world.faults.view()],
  ['GET', /^\/control\/faults\/known$/, () => TELEGRAM_FAULTS],
  ['GET', /^\/control\/faults\/fired$/, ({ world }) => world.faults.fired()],
  [
    'PUT',
    /^\/control\/faults$/,
    ({ world, body }) => {
      world.faults.set(body)
      return world.faults.view()
    },
  ],
]

function block(bot: Bot, id: string | undefined, blocked: boolean): Chat {
  const chat = bot.chats.get(Number(id))
  if (chat === undefined) throw new ControlError('chat: no such chat', 404)
  chat.blocked = blocked
  return chat
}

/** Messages of the bot that are as wanted, oldest first. */
function sent(bot: Bot, { chat, text, after = 0 }: Wanted): ChatMessage[] {
  return bot.messages.filter(
    (message) =>
      message.by === 'bot' &&
      message.message_id > after &&
      (chat === undefined || message.chat_id === chat) &&
      (text === undefined || message.text.includes(text)),
  )
}

function waitForMessage(bot: Bot, query: URLSearchParams): Promise<ChatMessage> {
  const { timeout_ms, ...wanted } = readInput(WANTED, Object.fromEntries(query))
  return new Promise((resolve, reject) => {
    const end = (message: ChatMessage | undefined) => {
      clearTimeout(timer)
      bot.listeners.delete(look)
      if (message) resolve(message)
      else reject(new ControlError(`no such message within ${timeout_ms} ms`, 404))
    }
    const look = () => {
      const [message] = sent(bot, wanted)
      if (message) end(message)
    }
    const timer = setTimeout(() => end(undefined), timeout_ms)
    bot.listeners.add(look)
    look()
  })
}
