import { z } from 'zod'
import { LOCALES, type Locale } from '#server/domains/identity/user.ts'
import type { App } from '#server/platform/app.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { readRecipients } from '../../preferences/read-recipients.ts'
import { FRAMES, type Frame } from '../../texts/frames.ts'
import { type BotAccess, callBot } from './call-bot.ts'
import { usersOfChat } from './chats.ts'
import { linkChat } from './link-chat.ts'
import { sendToChat } from './send-to-chat.ts'
import { switchOffChats } from './switch-off-chats.ts'

/** How long Telegram holds a question open. A stop waits for the answer, so in a sandbox, which people stop by hand, it is short. */
const WAIT_S = { sandbox: 2, production: 20 }

/** On top of the wait, for the way. */
const WAY_MS = 10_000

const UPDATES_MAX = 50

// One asks at a time: Telegram ends the question of the first when a second comes.
const TAKE = statement(`
  insert into notifications.telegram_bot (bot_id, next_update, busy_until) values ($1, 0, $3)
  on conflict (bot_id) do update set busy_until = excluded.busy_until
  where telegram_bot.busy_until is null or telegram_bot.busy_until < $2
  returning next_update`)

const LOCK = statement('select next_update from notifications.telegram_bot where bot_id = $1 for update')
const ADVANCE = statement('update notifications.telegram_bot set next_update = $2 where bot_id = $1')
const LET_GO = statement('update notifications.telegram_bot set busy_until = null where bot_id = $1')

const UPDATE = z.object({
  update_id: z.number().int(),
  message: z
    .object({
      text: z.string().optional(),
      chat: z.object({
        id: z.number().int(),
        type: z.string(),
        first_name: z.string().optional(),
        username: z.string().optional(),
      }),
      from: z.object({ language_code: z.string().optional() }).optional(),
    })
    .optional(),
})
type Update = z.output<typeof UPDATE>

/**
 * Asks the bot for what was said to it, and does it: links a chat by its code, switches it off at /stop, greets. Each update is done once, by its number, however
 * often Telegram tells of it. False when there was nothing to ask for, another asks, or the bot cannot be reached.
 */
export async function readUpdates(app: App, bot: BotAccess): Promise<boolean> {
  const bot_id = BigInt(bot.token.split(':')[0] ?? '0')
  const wait_s = WAIT_S[app.config.mode]
  const now = app.clock.now()
  const busy_until = new Date(now.getTime() + wait_s * 1_000 + 2 * WAY_MS)
  const [taken] = await app.db.query<{ next_update: bigint }>(TAKE, [bot_id, now, busy_until])
  if (!taken) return false
  try {
    const fields = {
      offset: Number(taken.next_update),
      limit: UPDATES_MAX,
      timeout: wait_s,
      allowed_updates: ['message'],
    }
    const answer = await callBot(app, bot, 'getUpdates', fields, wait_s * 1_000 + WAY_MS)
    if (answer.kind !== 'ok') {
      const code = answer.kind === 'refused' ? answer.code : undefined
      app.log.warn({ answer: answer.kind, code }, 'the Telegram bot could not be asked')
      return false
    }
    const updates = z.array(z.unknown()).parse(answer.result)
    for (const update of updates) await takeUpdate(app, bot, bot_id, update)
    return true
  } finally {
    await app.db.query(LET_GO, [bot_id])
  }
}

/** One that we cannot read is passed over: it would come again and again. */
async function takeUpdate(app: App, bot: BotAccess, bot_id: bigint, given: unknown): Promise<void> {
  const parsed = UPDATE.safeParse(given)
  const update = parsed.success ? parsed.data : z.object({ update_id: z.number().int() }).parse(given)
  const answer = await app.db.transaction(async (tx) => {
    const [row] = await tx.query<{ next_update: bigint }>(LOCK, [bot_id])
    if (!row || BigInt(update.update_id) < row.next_update) return undefined
    tx.send(ADVANCE, [bot_id, BigInt(update.update_id) + 1n])
    return answerTo(tx, update, app.clock.now())
  })
  // Best effort: what was done stands, and whoever sees no answer writes again.
  if (answer) await sendToChat(app, bot, { ...answer, silent: false, sandbox: undefined })
}

async function answerTo(tx: Tx, { message }: Update, now: Date) {
  // Groups are nobody's own: what a user is told would be read by all who are in them.
  if (message?.chat.type !== 'private') return undefined
  const { chat, from } = message
  const chat_id = BigInt(chat.id)
  const text = message.text ?? ''
  const locale = localeOf(from?.language_code)
  if (/^\/stop\b/i.test(text)) {
    const users = await usersOfChat(tx, chat_id)
    await switchOffChats(
      tx,
      now,
      users.map((user_id) => ({ user_id, reason: 'stopped' })),
    )
    return said(chat_id, locale, 'stopped')
  }
  const code = text.replace(/^\/start\b/i, '').trim()
  if (code === '' || code.startsWith('/')) return said(chat_id, locale, 'hello')
  const chat_name = chat.first_name ?? chat.username ?? String(chat.id)
  const user_id = await linkChat(tx, { code, chat_id, chat_name }, now)
  if (user_id === undefined) return said(chat_id, locale, 'wrong_code')
  const known = (await readRecipients(tx, [user_id])).get(user_id)
  return said(chat_id, known?.locale ?? locale, 'linked')
}

function said(chat_id: bigint, locale: Locale, what: keyof Frame['bot']) {
  const written = { title: FRAMES[locale].bot[what], body: '', action: undefined }
  return { chat_id: String(chat_id), written }
}

function localeOf(language_code: string | undefined): Locale {
  return LOCALES.find((locale) => language_code?.toLowerCase().startsWith(locale)) ?? 'en'
}
