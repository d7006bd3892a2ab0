import { escapeHtml } from '#server/kit/html.ts'
import type { App } from '#server/platform/app.ts'
import type { SendOutcome } from '../../messages/message.ts'
import type { Written } from '../../texts/write-texts.ts'
import { type BotAccess, type BotAnswer, callBot } from './call-bot.ts'

/** Messages under way at once; the Bot API takes about thirty a second. */
export const TELEGRAMS_AT_ONCE = 8

const TIMEOUT_MS = 20_000

/** The Bot API takes 4096 characters after its tags are read; entities are longer as they are written. */
const TEXT_MAX = 3_500

/** A message for one chat. */
export interface TelegramLetter {
  chat_id: string
  written: Written
  /** Without a sound: at night. */
  silent: boolean
  sandbox: string | undefined
}

/** Sends a message to a chat. Never throws for what the other side did. */
export async function sendToChat(
  app: Pick<App, 'outbound'>,
  bot: BotAccess,
  letter: TelegramLetter,
): Promise<SendOutcome> {
  const fields = {
    chat_id: letter.chat_id,
    text: textOfTelegram(letter),
    parse_mode: 'HTML',
    link_preview_options: { is_disabled: true },
    disable_notification: letter.silent,
  }
  return outcomeOf(await callBot(app, bot, 'sendMessage', fields, TIMEOUT_MS))
}

/** The message in the HTML that the Bot API takes. */
export function textOfTelegram({ written, sandbox }: Pick<TelegramLetter, 'written' | 'sandbox'>): string {
  const { title, body } = written
  const room = TEXT_MAX - title.length
  const cut = body.length <= room ? body : `${Array.from(body).slice(0, room).join('')}…`
  const banner = sandbox === undefined ? '' : `<i>${escapeHtml(sandbox)}</i>\n`
  return `${banner}<b>${escapeHtml(title)}</b>\n\n${escapeHtml(cut)}`.trim()
}

/** What an answer means for the message. */
function outcomeOf(answer: BotAnswer): SendOutcome {
  switch (answer.kind) {
    case 'ok': {
      const { message_id } = answer.result as { message_id?: number }
      return { outcome: 'accepted', reference: String(message_id ?? '') }
    }
    case 'refused':
      return refusal(answer)
    case 'unreadable':
      return { outcome: 'unknown', reason: 'unreadable_answer', reply: `HTTP ${answer.status}` }
    case 'none':
      if (answer.sent) return { outcome: 'unknown', reason: answer.failure, reply: '' }
      return { outcome: 'rejected', lasting: false, house: true, reason: answer.failure, reply: '' }
  }
}

function refusal({ code, description: reply, retry_after_s }: BotAnswer & { kind: 'refused' }): SendOutcome {
  const reason = `refused:${code}`
  const lasting = { outcome: 'rejected', lasting: true, reason, reply } as const
  const passing = { outcome: 'rejected', lasting: false, house: false, reason, reply } as const
  if (code === 429) return { ...passing, house: true, retry_after_ms: (retry_after_s ?? 1) * 1_000 }
  if (code === 403) return { ...lasting, chat_off: /blocked/i.test(reply) ? 'blocked' : 'chat_gone' }
  if (code === 400) return /chat not found/i.test(reply) ? { ...lasting, chat_off: 'chat_gone' } : lasting
  // A wrong token, or the Bot API itself.
  return { ...passing, house: true }
}
