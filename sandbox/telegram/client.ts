import { askDoor, queryOf } from '../door/ask-door.ts'
import type { FaultSetting } from '../door/faults.ts'
import type { ChatMessage } from './bot.ts'
import type { TelegramFault } from './faults.ts'

/** The control door of the simulated Telegram, typed. Throws an Error with the door's own message when it refuses. */
export interface TelegramControl {
  /** A person writes to the bot; the chat is opened by it. */
  say(chat: number, text: string, names?: { first_name?: string; username?: string }): Promise<ChatMessage>
  block(chat: number): Promise<void>
  unblock(chat: number): Promise<void>
  /** What the bot has sent, newest first, up to a hundred. */
  messages(wanted?: { chat?: number; text?: string; after?: number }): Promise<ChatMessage[]>
  /** The oldest message of the bot that is as wanted, also one that is still to come. */
  waitFor(wanted: { chat?: number; text?: string; after?: number; timeout_ms?: number }): Promise<ChatMessage>
  /** Replaces all faults; a bare number is a probability, {} switches all off. */
  setFaults(faults: Partial<Record<TelegramFault, Partial<FaultSetting> | number>>): Promise<void>
  fired(): Promise<Record<string, number>>
}

/** A client of the simulated Telegram at `url`. */
export function telegramControlOf(url: string): TelegramControl {
  const ask = askDoor(`${url}/control`)
  return {
    say: (chat, text, names = {}) => ask('POST', `/chats/${chat}/say`, { text, ...names }),
    block: async (chat) => void (await ask('POST', `/chats/${chat}/block`)),
    unblock: async (chat) => void (await ask('POST', `/chats/${chat}/unblock`)),
    messages: async (wanted = {}) =>
      (await ask<{ messages: ChatMessage[] }>('GET', `/messages?${queryOf(wanted)}`)).messages,
    waitFor: (wanted) => ask('GET', `/messages/wait?${queryOf(wanted)}`),
    setFaults: async (faults) => void (await ask('PUT', '/faults', faults)),
    fired: () => ask('GET', '/faults/fired'),
  }
}
