import { openFaults } from '../door/faults.ts'
import { openDoor } from '../door/open-door.ts'
import { API_ROUTES } from './api-door.ts'
import { newBot } from './bot.ts'
import { CONTROL_ROUTES } from './control-door.ts'
import { TELEGRAM_FAULT_NAMES } from './faults.ts'

/** A simulated Telegram with one bot, running. */
export interface Telegram {
  /** The base of the Bot API, in place of https://api.telegram.org; also the page of the chat, and the control door under `/control`. */
  readonly url: string
  readonly token: string
  readonly username: string
  /** Ends at once; what is under way is cut. */
  close(): Promise<void>
}

/** Starts it on the loopback. Port 0 or none: a free one. Rejects when the port is taken. */
export async function startTelegram(options: { token: string; port?: number }): Promise<Telegram> {
  const bot = newBot(options.token, 'saldo_sandbox_bot', openFaults(TELEGRAM_FAULT_NAMES))
  const door = await openDoor([...API_ROUTES, ...CONTROL_ROUTES], bot, options.port ?? 0)
  return { url: door.url, token: bot.token, username: bot.username, close: door.close }
}
