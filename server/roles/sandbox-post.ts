import type { Config } from '#server/platform/config/config.ts'
import { forkSandbox, portOf, type SandboxServer } from './fork-sandbox.ts'
import { readSandboxFile, type SandboxFile } from './sandbox-file.ts'

/** The simulated post: a mail server and Telegram. What the configuration names already is left alone. */
export interface SandboxPost {
  /** The configuration with their addresses. */
  config: Config
  told: Partial<SandboxFile['sandbox']>
  stop(): Promise<void>
}

/** Of a bot that only the sandbox knows. */
const BOT_TOKEN = '700001:sandbox'

/** Starts them before anything else is opened, for their addresses are configuration. On the ports they had before, if those are free. */
export async function startSandboxPost(config: Config): Promise<SandboxPost> {
  const known = (await readSandboxFile(config.home))?.sandbox
  const [mail, telegram] = await Promise.all([
    config.smtp_url === undefined ? startMail(known) : undefined,
    config.telegram_token === undefined ? startBot(known) : undefined,
  ])
  return {
    config: {
      ...config,
      ...(mail && { smtp_url: mail.told.smtp_url, mail_from: 'Saldo <house@saldo.example>' }),
      ...(telegram && { telegram_url: telegram.told.url as string, telegram_token: BOT_TOKEN }),
    },
    told: {
      ...(mail && { mail: mail.told.url as string, smtp: mail.told.smtp_url as string }),
      ...(telegram && { telegram: telegram.told.url as string }),
    },
    stop: async () => {
      await Promise.all([mail?.stop(), telegram?.stop()])
    },
  }
}

function startMail(known: SandboxFile['sandbox'] | undefined): Promise<SandboxServer> {
  const before = ['--smtp-port', portOf(known?.smtp), '--port', portOf(known?.mail)]
  return forkSandbox('mail/main.ts', [before, []])
}

function startBot(known: SandboxFile['sandbox'] | undefined): Promise<SandboxServer> {
  const token = ['--token', BOT_TOKEN]
  return forkSandbox('telegram/main.ts', [[...token, '--port', portOf(known?.telegram)], token])
}
