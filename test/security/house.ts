import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type CaptchaControl, captchaControlOf } from '#sandbox/captcha/client.ts'
import { startCaptcha } from '#sandbox/captcha/start-captcha.ts'
import { type MailControl, mailControlOf } from '#sandbox/mail/client.ts'
import { startMailCatcher } from '#sandbox/mail/start-mail-catcher.ts'
import { controlOf, type PanelControl } from '#sandbox/provider/client.ts'
import { startProviderPanel } from '#sandbox/provider/start-provider-panel.ts'
import { type SentryControl, sentryControlOf } from '#sandbox/sentry/client.ts'
import { startSentry } from '#sandbox/sentry/start-sentry.ts'
import { type TelegramControl, telegramControlOf } from '#sandbox/telegram/client.ts'
import { startTelegram } from '#sandbox/telegram/start-telegram.ts'
import { type ReceiverControl, receiverControlOf } from '#sandbox/webhook-receiver/client.ts'
import { startWebhookReceiver } from '#sandbox/webhook-receiver/start-webhook-receiver.ts'
import { openApp } from '#server/app.ts'
import { openProviders } from '#server/domains/providers/registry.ts'
import { newSecret } from '#server/kit/id.ts'
import type { App } from '#server/platform/app.ts'
import { readConfig } from '#server/platform/config/config.ts'
import { RELEASE } from '#server/platform/config/release.ts'
import { openFailureMemory } from '#server/platform/failures/failure-memory.ts'
import { migrateQueue } from '#server/platform/jobs/migrate-queue.ts'
import { openSecrets } from '#server/platform/secrets/secrets.ts'
import { openSentry } from '#server/platform/sentry/open-sentry.ts'
import { openLog } from '#server/platform/telemetry/log.ts'
import { startApi } from '#server/roles/api.ts'
import { liftRateLimits } from '#server/roles/lift-rate-limits.ts'
import type { Saldo } from '#server/roles/open-saldo.ts'
import { startWorker } from '#server/roles/worker.ts'
import { type CommandRun, terminal } from '#test/support/command.ts'
import { createTestDatabase, dropTestDatabase } from '#test/support/database.ts'
import type { Canary, Trace } from './canary.ts'
import { keepWrites, keptWrites } from './kept-writes.ts'

/** What is read of answers, where they have it. */
interface Body {
  registration: string
  token: string
  challenge: string
  secret: string
  recovery_codes: string[]
  id: string
  key: string
  paths: Record<string, object>
}

/** An answer of a door. */
export interface Answer {
  status: number
  body: Body
  /** Values of the cookies that it sets, by name. */
  cookies: Record<string, string>
  /** What is looked through in the end. */
  trace: Trace
}

/** A request; `by` signs it with a session's token. */
export interface Ask {
  by?: string
  headers?: Record<string, string>
  /** An object is sent as JSON, a text as it is. */
  body?: unknown
}

/** A house in which every secret is a canary, and everything that leaves a trace is kept. */
export interface House {
  app: App
  canaries: Canary[]
  captcha: CaptchaControl
  mail: MailControl
  telegram: TelegramControl
  sentry: SentryControl
  receiver: ReceiverControl
  receiver_url: string
  panel: PanelControl
  panel_url: string
  panel_key: string
  /** Asks the doors. `place` is where its answer is said to be, without what may be secret in the address. */
  ask(method: string, path: string, ask?: Ask, place?: string): Promise<Answer>
  /** Gives a command. */
  command(...args: string[]): Promise<CommandRun>
  /** Makes a secret a canary from here on. An answer that hands it out to its owner may have it. */
  secret(canary: Canary, handed_out_by?: Answer): string
  /** Everything that was left anywhere so far. */
  traces(): Promise<Trace[]>
}

/** Opens it on a database of the test's own; everything is closed when that test ends. */
export async function openHouse(): Promise<House> {
  const url = await createTestDatabase()
  await migrateQueue(url)
  onTestFinished(() => dropTestDatabase(url))
  const home = mkdtempSync(join(tmpdir(), 'saldo-canary-'))
  onTestFinished(() => rmSync(home, { recursive: true, force: true }))
  const own = await ownSecrets(url)
  const outside = await startOutside(own)
  const env = { SALDO_MODE: 'sandbox', SALDO_HOME: home, SALDO_LOG_LEVEL: 'debug', PORT: '0', ...outside.env }
  const lines: Trace[] = []
  const write = (text: string) => void lines.push({ place: 'log', text })
  const config = readConfig(env)
  const app = await openApp(config, url, 'saldo', openLog({ level: 'debug', name: 'saldo', destination: { write } }))
  onTestFinished(() => app.close())
  await liftRateLimits(app, 'A test of something else.')
  await keepWrites(app.db)
  const failures = openFailureMemory(app, { process: 'saldo', release: RELEASE })
  onTestFinished(() => failures.close())
  const sentry = openSentry(app, { dsn: outside.env.SALDO_SENTRY_DSN, release: RELEASE, environment: 'production' })
  onTestFinished(() => sentry.close())
  const secrets = await openSecrets(config)
  const providers = openProviders({ ...app, secrets })
  onTestFinished(() => providers.close())
  const saldo: Saldo = { app, secrets, providers, close: async () => {} }
  const worker = startWorker(saldo)
  onTestFinished(() => worker.stop())
  const api = await startApi(saldo)
  onTestFinished(() => api.stop())
  const answers: Answer[] = []
  const command = terminal(url, env)
  const canaries = [...own.canaries]
  return {
    app,
    canaries,
    ...outside.controls,
    panel_key: own.panel_key,
    ask: async (method, path, ask = {}, place = `${method} ${path}`) => {
      const answer = await askDoor(`${api.url}${path}`, method, ask, place)
      answers.push(answer)
      return answer
    },
    command: async (...args) => {
      const run = await command(...args)
      lines.push({ place: `saldo ${args[0]}`, text: run.out + run.err })
      return run
    },
    secret: (canary, handed_out_by) => {
      if (typeof canary.secret !== 'string') throw new Error(`there is no ${canary.kind} to be a canary`)
      canaries.push(canary)
      if (handed_out_by) handed_out_by.trace.text = handed_out_by.trace.text.replaceAll(canary.secret, '')
      return canary.secret
    },
    traces: async () => {
      await Promise.all([failures.flush(), sentry.flush()])
      const mails = await outside.controls.mail.mails()
      const chats = await outside.controls.telegram.messages()
      const calls = await outside.controls.receiver.received()
      const { events } = await outside.controls.sentry.received()
      return [
        ...lines,
        ...answers.map((answer) => answer.trace),
        ...mails.map((mail) => ({ place: 'mail', text: `${mail.subject}\n${mail.text}\n${mail.html}` })),
        ...chats.map(({ text }) => ({ place: 'Telegram', text })),
        ...calls.map((call) => ({ place: 'webhook', text: JSON.stringify(call) })),
        ...events.map((event) => ({ place: 'Sentry', text: JSON.stringify(event) })),
        ...(await keptWrites(app.db)),
      ]
    },
  }
}

/** Secrets that the house is started with. */
async function ownSecrets(url: string) {
  const made = {
    master_key: Buffer.from(newSecret(), 'base64url').toString('base64'),
    smtp_password: newSecret(18),
    telegram_token: `700001:${newSecret(26)}`,
    captcha_secret: `0x4AAA${newSecret(20)}`,
    panel_key: newSecret(20),
    sentry_key: randomBytes(16).toString('hex'),
    database_password: decodeURIComponent(new URL(url).password),
  }
  const canaries: Canary[] = [
    { kind: 'master key', secret: made.master_key },
    { kind: 'password of the mail server', secret: made.smtp_password },
    { kind: 'token of the Telegram bot', secret: made.telegram_token },
    { kind: 'secret of the captcha', secret: made.captcha_secret },
    { kind: 'key of a provider', secret: made.panel_key },
    { kind: 'key of the DSN', secret: made.sentry_key },
    { kind: 'password of the database', secret: made.database_password },
  ]
  return { ...made, canaries }
}

/** Those whom the house talks to, and the settings that lead it to them. */
async function startOutside(own: Awaited<ReturnType<typeof ownSecrets>>) {
  const mail = await startMailCatcher()
  const telegram = await startTelegram({ token: own.telegram_token })
  const captcha = await startCaptcha({ secret: own.captcha_secret })
  const panel = await startProviderPanel({ key: own.panel_key, balance: '1000' })
  const receiver = await startWebhookReceiver()
  const sentry = await startSentry({ key: own.sentry_key })
  onTestFinished(async () => {
    await Promise.all([mail, telegram, captcha, panel, receiver, sentry].map((each) => each.close()))
  })
  const smtp_url = new URL(mail.smtp_url)
  smtp_url.username = 'house'
  smtp_url.password = own.smtp_password
  return {
    env: {
      SALDO_SECRET_KEY: own.master_key,
      SALDO_SMTP_URL: smtp_url.href,
      SALDO_MAIL_FROM: 'Saldo <house@example.com>',
      SALDO_TELEGRAM_TOKEN: own.telegram_token,
      SALDO_TELEGRAM_URL: telegram.url,
      SALDO_SENTRY_DSN: sentry.dsn,
      SALDO_CAPTCHA_SITE_KEY: 'site',
      SALDO_CAPTCHA_SECRET: own.captcha_secret,
      SALDO_CAPTCHA_URL: captcha.verify_url,
    },
    controls: {
      mail: mailControlOf(mail.url),
      telegram: telegramControlOf(telegram.url),
      sentry: sentryControlOf(sentry.url),
      captcha: captchaControlOf(captcha.url),
      panel: controlOf(panel.control_url),
      panel_url: panel.url,
      receiver: receiverControlOf(receiver.url),
      receiver_url: receiver.url,
    },
  }
}

async function askDoor(url: string, method: string, { by, headers = {}, body }: Ask, place: string): Promise<Answer> {
  const response = await fetch(url, {
    method,
    redirect: 'manual',
    headers: {
      ...(by !== undefined && { authorization: `Bearer ${by}` }),
      ...(typeof body === 'object' && { 'content-type': 'application/json' }),
      ...headers,
    },
    body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
  })
  const text = await response.text()
  const cookies = response.headers.getSetCookie().map((cookie) => cookie.split(';')[0]?.split('=') ?? [])
  const all_headers = [...response.headers].map((header) => header.join(': ')).join('\n')
  return {
    status: response.status,
    body: text.startsWith('{') ? JSON.parse(text) : {},
    cookies: Object.fromEntries(cookies),
    trace: { place: `${place} ${response.status}`, text: `${all_headers}\n\n${text}` },
  }
}
