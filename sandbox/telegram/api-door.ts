import { z } from 'zod'
import type { DoorCall, DoorRoute } from '../door/open-door.ts'
import { htmlReply, jsonReply, type Reply } from '../provider/reply.ts'
import { type Bot, botSays } from './bot.ts'
import { badHtml } from './check-html.ts'

/** The Bot API's own limit of a text. */
const TEXT_MAX = 4_096
/** The longest getUpdates waits. */
const WAIT_S_MAX = 50

const JSON_TEXT = z.preprocess((value) => (typeof value === 'string' ? JSON.parse(value) : value), z.unknown())

const SEND = z.object({
  chat_id: z.coerce.number().int(),
  text: z.string().default(''),
  parse_mode: z.enum(['HTML']).optional(),
  reply_markup: JSON_TEXT.optional(),
})
const MARKUP = z.object({
  inline_keyboard: z.array(z.array(z.object({ text: z.string(), url: z.string().optional() }))),
})

const UPDATES = z.object({
  offset: z.coerce.number().int().default(0),
  limit: z.coerce.number().int().min(1).max(100).default(100),
  timeout: z.coerce.number().int().min(0).max(WAIT_S_MAX).default(0),
})

const HANGS: Reply = { how: 'hang' }

export const API_ROUTES: readonly DoorRoute<Bot>[] = (['GET', 'POST'] as const).map((method) => [
  method,
  /^\/bot([^/]+)\/(\w+)$/,
  (call) => answerApi(call),
])

async function answerApi({ world: bot, parts, query, body }: DoorCall<Bot>): Promise<Reply> {
  const [token, method = ''] = parts
  if (token !== bot.token) return failed(401, 'Unauthorized')
  const fields = { ...Object.fromEntries(query), ...(body as object) }
  const to = 'chat_id' in fields ? String(fields.chat_id) : ''
  const fault = faultBefore(bot, method, to)
  if (fault) return fault
  switch (method) {
    case 'getMe':
      return done({ id: 700_001, is_bot: true, first_name: 'Sandbox bot', username: bot.username })
    case 'getUpdates':
      return getUpdates(bot, fields)
    case 'sendMessage':
      return sendMessage(bot, fields)
    default:
      return failed(404, 'Not Found: method not found')
  }
}

function faultBefore(bot: Bot, method: string, to: string): Reply | undefined {
  // A fault without a chat named is meant for messages; getUpdates is left to work.
  if (method !== 'sendMessage') return undefined
  const limited = bot.faults.strikes('rate_limit', to)
  if (limited) {
    const retry_after = Math.ceil((limited.ms ?? 1_000) / 1_000)
    return failed(429, `Too Many Requests: retry after ${retry_after}`, { retry_after })
  }
  const broken = bot.faults.strikes('http_5xx', to)
  if (broken) return htmlReply(broken.code ?? 502, 'Bad Gateway')
  return bot.faults.strikes('hang', to) ? HANGS : undefined
}

async function getUpdates(bot: Bot, fields: object): Promise<Reply> {
  const { offset, limit, timeout } = UPDATES.parse(fields)
  // Of two who ask at once, the real one ends the first as well.
  bot.wake?.()
  const confirmed = bot.updates.filter((update) => update.update_id < offset)
  bot.confirmed.push(...confirmed)
  bot.updates = bot.updates.filter((update) => update.update_id >= offset)
  if (bot.updates.length === 0 && timeout > 0) await somethingSaid(bot, timeout)
  const again = bot.confirmed.at(-1)
  const repeated = again && bot.faults.strikes('duplicate_update', '') ? [again] : []
  return done([...repeated, ...bot.updates].slice(0, limit))
}

function somethingSaid(bot: Bot, timeout_s: number): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      if (bot.wake === end) bot.wake = undefined
      resolve()
    }
    const timer = setTimeout(end, timeout_s * 1_000)
    bot.wake = end
  })
}

function sendMessage(bot: Bot, fields: object): Reply {
  const parsed = SEND.safeParse(fields)
  if (!parsed.success) return failed(400, `Bad Request: ${parsed.error.issues[0]?.path.join('.')} is not as expected`)
  const { chat_id, text, parse_mode, reply_markup } = parsed.data
  const chat = bot.chats.get(chat_id)
  if (chat === undefined) return failed(400, 'Bad Request: chat not found')
  if (chat.blocked || bot.faults.strikes('blocked', String(chat_id))) {
    return failed(403, 'Forbidden: bot was blocked by the user')
  }
  if (text.trim() === '') return failed(400, 'Bad Request: message text is empty')
  if (text.length > TEXT_MAX) return failed(400, 'Bad Request: message is too long')
  const wrong = parse_mode === 'HTML' ? badHtml(text) : undefined
  if (wrong) return failed(400, `Bad Request: can't parse entities: ${wrong}`)
  const markup = MARKUP.safeParse(reply_markup)
  const button_url = markup.success ? (markup.data.inline_keyboard[0]?.[0]?.url ?? null) : null
  const message = botSays(bot, { chat_id, text, parse_mode: parse_mode ?? null, button_url })
  if (bot.faults.strikes('cut_after', String(chat_id))) return { how: 'cut' }
  if (bot.faults.strikes('hang_after', String(chat_id))) return HANGS
  return done({
    message_id: message.message_id,
    date: Math.floor(Date.parse(message.at) / 1_000),
    chat: { id: chat_id, type: 'private', first_name: chat.first_name, username: chat.username },
    text,
  })
}

function done(result: unknown): Reply {
  return jsonReply({ ok: true, result })
}

function failed(error_code: number, description: string, parameters?: object): Reply {
  return jsonReply({ ok: false, error_code, description, ...(parameters && { parameters }) }, error_code)
}
