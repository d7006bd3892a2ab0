import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { newSecret } from '#server/kit/id.ts'

/** What `SALDO_HOME/sandbox.json` tells whoever tries Saldo out. */
export interface SandboxFile {
  url: string
  users: { email: string; password: string; role: string }[]
  apiKeys: { customer: string }
  sandbox: {
    /** The provider and its control door. */
    provider: string
    /** Another that does a few of its services. */
    second_provider?: string
    /** The page on which mails are read, and where they are sent. */
    mail?: string
    smtp?: string
    /** The page of the chat with the bot, and the Bot API. */
    telegram?: string
    /** The page on which deliveries to the customer's webhook are seen. */
    webhooks?: string
  }
}

/** What was told before in this home; undefined at the first start. */
export async function readSandboxFile(home: string): Promise<SandboxFile | undefined> {
  let text: string
  try {
    text = await readFile(join(home, 'sandbox.json'), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  return JSON.parse(text) as SandboxFile
}

/** Tells it, whole or not at all. */
export async function writeSandboxFile(home: string, file: SandboxFile): Promise<void> {
  const path = join(home, 'sandbox.json')
  const partial = `${path}.${newSecret(6)}`
  await writeFile(partial, `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600 })
  await rename(partial, path)
}
