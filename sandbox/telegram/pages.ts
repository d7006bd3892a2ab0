import { escapeHtml } from '#server/kit/html.ts'
import { pageOf } from '../door/html.ts'
import type { Bot, ChatMessage } from './bot.ts'

/** The chat with the bot, newest last, and a line to write in. */
export function chatPage(bot: Bot, chat_id: number): string {
  const lines = bot.messages.filter((message) => message.chat_id === chat_id).map(line)
  return pageOf(
    `@${bot.username}`,
    `<h1>@${escapeHtml(bot.username)}</h1><p class="quiet">A simulated chat; nothing leaves this machine.</p>
${lines.join('') || '<p>Nothing has been said yet.</p>'}
<form method="post" action="/say"><input name="text" required maxlength="4096" aria-label="Message"> <button>Send</button></form>`,
  )
}

/** What a link to the bot opens: one button that starts it with the code of the link. */
export function startPage(bot: Bot, code: string): string {
  const text = escapeHtml(`/start ${code}`.trim())
  return pageOf(
    `@${bot.username}`,
    `<h1>@${escapeHtml(bot.username)}</h1><p>Start a chat with this bot?</p>
<form method="post" action="/say"><input type="hidden" name="text" value="${text}"><button>Start</button></form>`,
  )
}

function line(message: ChatMessage): string {
  // The text is shown as it came, with its tags: who reads this page tests them.
  const button = message.button_url
    ? `<br><a href="${escapeHtml(message.button_url)}" rel="noreferrer">${escapeHtml(message.button_url)}</a>`
    : ''
  return `<div class="${message.by === 'bot' ? 'us' : 'them'}"><pre>${escapeHtml(message.text)}</pre>${button}</div>`
}
