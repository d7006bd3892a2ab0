import { expect, onTestFinished } from 'vitest'
import { type MailControl, mailControlOf } from '#sandbox/mail/client.ts'
import { startMailCatcher } from '#sandbox/mail/start-mail-catcher.ts'
import { type TelegramControl, telegramControlOf } from '#sandbox/telegram/client.ts'
import { startTelegram } from '#sandbox/telegram/start-telegram.ts'
import { createUser } from '#server/domains/identity/create-user.ts'
import type { Locale } from '#server/domains/identity/user.ts'
import { startMessageWork } from '#server/domains/notifications/messages/jobs.ts'
import type { Message } from '#server/domains/notifications/messages/message.ts'
import { type Notice, tellUsers } from '#server/domains/notifications/messages/tell-users.ts'
import type { Data, Kind } from '#server/domains/notifications/texts/kinds.ts'
import { type Clock, systemClock } from '#server/kit/clock.ts'
import { newUuid } from '#server/kit/id.ts'
import type { App } from '#server/platform/app.ts'
import { openSecrets, type Secrets } from '#server/platform/secrets/secrets.ts'
import { type Log, openLog } from '#server/platform/telemetry/log.ts'
import { testApp } from './app.ts'

export const TELEGRAM_TOKEN = '700001:sandbox'

/** A house whose mail and Telegram messages are caught. */
export interface MessageHouse {
  app: App
  secrets: Secrets
  mail: MailControl
  telegram: TelegramControl
  /** Moves the clock of the house forward. */
  pass(ms: number): void
  /** A customer, whose locale may be named. */
  user(locale?: Locale): Promise<{ id: bigint; email: string }>
  /** Links a chat to a user, as if the user had done so. */
  linkChat(user_id: bigint, chat_id: number): Promise<void>
  /** Tells one user, in a transaction. */
  tell(user_id: bigint, kind: Kind, data: Data, more?: Partial<Notice>): Promise<void>
  /** Sends from now on, until the test ends. Answers what stops it. */
  startWork(): () => Promise<void>
  /** All messages, oldest first. */
  messages(): Promise<Message[]>
  /** The message of this state when there is one, at once or later. */
  waitForState(state: Message['state'], count?: number): Promise<Message[]>
}

/** Opens it on a database of the calling test's own; closed when that test ends. */
export async function openMessageHouse(): Promise<MessageHouse> {
  const catcher = await startMailCatcher()
  const telegram = await startTelegram({ token: TELEGRAM_TOKEN })
  onTestFinished(async () => {
    await Promise.all([catcher.close(), telegram.close()])
  })
  const opened = await testApp()
  const { clock, pass } = movableClock()
  const config = {
    ...opened.config,
    smtp_url: catcher.smtp_url,
    mail_from: 'Saldo <house@example.com>',
    telegram_token: TELEGRAM_TOKEN,
    telegram_url: telegram.url,
    public_url: 'https://saldo.example',
  }
  const app: App = { ...opened, config, clock, log: errorsFailTheTest() }
  const secrets = await openSecrets(config)
  const all = () =>
    app.db.query<Message>(
      'select id, key, channel, kind, state, attempts, reason, reply, data from notifications.message order by id',
    )
  return {
    app,
    secrets,
    mail: mailControlOf(catcher.url),
    telegram: telegramControlOf(telegram.url),
    pass,
    user: async (locale = 'en') => {
      const email = `${newUuid()}@example.com`
      const { id } = await createUser(app, { email, password: newUuid(), role: 'customer', locale })
      return { id, email }
    },
    linkChat: async (user_id, chat_id) => {
      const { message_id } = await telegramControlOf(telegram.url).say(chat_id, 'hello')
      // Read already: the bot has no answer to it.
      await app.db.query(
        `insert into notifications.telegram_bot (bot_id, next_update) values ($1, $2)
        on conflict (bot_id) do update set next_update = excluded.next_update`,
        [TELEGRAM_TOKEN.split(':')[0], 800_000 + message_id + 1],
      )
      await app.db.query(
        `insert into notifications.telegram_chat (user_id, chat_id, chat_name, linked_at) values ($1, $2, 'Ada', now())`,
        [user_id, chat_id],
      )
    },
    tell: (user_id, kind, data, more = {}) =>
      app.db.transaction((tx) => tellUsers(tx, clock.now(), [{ key: newUuid(), user_id, kind, data, ...more }])),
    startWork: () => {
      const work = startMessageWork(app, secrets)
      let stopped: Promise<void> | undefined
      const stop = () => {
        stopped ??= work.stop()
        return stopped
      }
      onTestFinished(stop)
      return stop
    },
    messages: all,
    waitForState: async (state, count = 1) => {
      for (;;) {
        const found = (await all()).filter((message) => message.state === state)
        if (found.length >= count) return found
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    },
  }
}

function movableClock(): { clock: Clock; pass(ms: number): void } {
  let ahead_ms = 0
  return {
    clock: {
      now: () => new Date(systemClock.now().getTime() + ahead_ms),
      monotonic_ms: () => systemClock.monotonic_ms() + ahead_ms,
    },
    pass: (ms) => {
      ahead_ms += ms
    },
  }
}

/** A log in which an error fails the calling test: a loop goes on after a pass that threw, and would hide it. */
function errorsFailTheTest(): Log {
  const errors: string[] = []
  onTestFinished(() => expect(errors).toEqual([]))
  return openLog({ level: 'error', destination: { write: (line) => void errors.push(line) } })
}
