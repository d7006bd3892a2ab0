import type { Faults } from '../door/faults.ts'
import type { TelegramFault } from './faults.ts'

/** More are forgotten, the oldest first. */
const MESSAGES_MAX = 5_000
const UPDATES_MAX = 1_000

/** A message in a chat, from a person or from the bot. */
export interface ChatMessage {
  message_id: number
  chat_id: number
  by: 'person' | 'bot'
  text: string
  parse_mode: string | null
  /** The address of the button beneath, if there is one. */
  button_url: string | null
  at: string
}

/** A person's private chat with the bot. */
export interface Chat {
  id: number
  first_name: string
  username: string
  blocked: boolean
}

interface Update {
  update_id: number
  message: object
}

/** One bot with its chats. */
export interface Bot {
  readonly token: string
  readonly username: string
  readonly faults: Faults<TelegramFault>
  chats: Map<number, Chat>
  messages: ChatMessage[]
  updates: Update[]
  /** Confirmed updates, for the fault that gives one again. */
  confirmed: Update[]
  last_id: number
  /** Ends the getUpdates that waits, if one does. */
  wake: (() => void) | undefined
  /** Those who wait for a message of the bot. */
  readonly listeners: Set<() => void>
}

/** A bot without chats. */
export function newBot(token: string, username: string, faults: Faults<TelegramFault>): Bot {
  return {
    token,
    username,
    faults,
    chats: new Map(),
    messages: [],
    updates: [],
    confirmed: [],
    last_id: 0,
    wake: undefined,
    listeners: new Set(),
  }
}

/** The chat of this number; made when a person opens it. */
export function chatOf(
  bot: Bot,
  id: number,
  names: { first_name?: string | undefined; username?: string | undefined } = {},
): Chat {
  const known = bot.chats.get(id)
  if (known) return known
  const chat = {
    id,
    first_name: names.first_name ?? `Person ${id}`,
    username: names.username ?? `person_${id}`,
    blocked: false,
  }
  bot.chats.set(id, chat)
  return chat
}

/** A person writes to the bot; the bot gets it as an update. */
export function say(bot: Bot, chat: Chat, text: string): ChatMessage {
  const message = keep(bot, { chat_id: chat.id, by: 'person', text, parse_mode: null, button_url: null })
  const { id, first_name, username } = chat
  const from = { id, is_bot: false, first_name, username }
  const date = Math.floor(Date.parse(message.at) / 1_000)
  const told = { message_id: message.message_id, from, chat: { ...from, type: 'private' }, date, text }
  bot.updates.push({ update_id: 800_000 + message.message_id, message: told })
  bot.updates = bot.updates.slice(-UPDATES_MAX)
  bot.wake?.()
  return message
}

/** The bot writes to a person. */
export function botSays(
  bot: Bot,
  message: Pick<ChatMessage, 'chat_id' | 'text' | 'parse_mode' | 'button_url'>,
): ChatMessage {
  const kept = keep(bot, { ...message, by: 'bot' })
  for (const look of bot.listeners) look()
  return kept
}

function keep(bot: Bot, message: Omit<ChatMessage, 'message_id' | 'at'>): ChatMessage {
  bot.last_id += 1
  const kept = { message_id: bot.last_id, at: new Date().toISOString(), ...message }
  bot.messages.push(kept)
  bot.messages = bot.messages.slice(-MESSAGES_MAX)
  return kept
}
