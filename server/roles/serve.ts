import type { Config } from '#server/platform/config/config.ts'
import { claimMode } from '#server/platform/db/claim-mode.ts'
import { startAnnouncer } from '#server/platform/outbox/announce.ts'
import { startApi } from './api.ts'
import { migrateAll, openSaldo, type Progress, startDatabase } from './open-saldo.ts'
import { startSandbox } from './sandbox.ts'
import type { SandboxFile } from './sandbox-file.ts'
import { startSandboxPost } from './sandbox-post.ts'
import { startScheduler } from './scheduler.ts'
import { watchFailures } from './watch-failures.ts'
import { startWorker } from './worker.ts'

/** What a process does: one part, or all of them. */
export type Role = 'api' | 'worker' | 'scheduler' | 'all'

/** Whether `saldo <name>` runs until it is stopped. */
export function isRole(name: string): name is Role {
  return ['api', 'worker', 'scheduler', 'all'].includes(name)
}

/** Each is undone in reverse order, also when a later one fails to start. */
type Undo = () => Promise<void>

/** The longest calls under way end sooner; what is left then hangs. Nothing is lost: claims run out and are swept. */
const STOP_MAX_MS = 60_000

function giveUp(progress: Progress): void {
  progress('Something did not stop within a minute; ending all the same.')
  process.exit(1)
}

/** Runs a role until `stopped` resolves, then stops in order: takes no more, finishes what was taken, closes. */
export async function serve(role: Role, config: Config, stopped: Promise<unknown>, progress: Progress): Promise<void> {
  const undo: Undo[] = []
  try {
    await start(role, config, undo, progress)
    await stopped
    progress('Stopping …')
  } finally {
    const late = setTimeout(() => giveUp(progress), STOP_MAX_MS).unref()
    for (const each of undo.reverse()) await each()
    clearTimeout(late)
  }
  progress('Stopped.')
}

async function start(role: Role, given: Config, undo: Undo[], progress: Progress): Promise<void> {
  const in_sandbox = role === 'all' && given.mode === 'sandbox'
  const post = in_sandbox ? await startSandboxPost(given) : undefined
  if (post) undo.push(post.stop)
  const config = { ...(post?.config ?? given) }
  const database = await startDatabase(config, progress)
  undo.push(() => database.stop())
  await migrateAll(database.url, progress)
  const name = role === 'all' ? 'saldo' : `saldo-${role}`
  const saldo = await openSaldo(config, database.url, name)
  undo.push(saldo.close)
  undo.push(watchFailures(saldo.app, name, progress).stop)
  await claimMode(saldo.app.db, config.mode)
  const sandbox = in_sandbox ? await startSandbox(saldo, progress, post?.told) : undefined
  if (sandbox) undo.push(sandbox.stop)
  if (role === 'worker' || role === 'all') undo.push(startWorker(saldo).stop)
  // Without a publisher of its own the process tells those of others.
  else undo.push(startAnnouncer(saldo.app).stop)
  if (role === 'scheduler' || role === 'all') undo.push((await startScheduler(saldo)).stop)
  if (role === 'api' || role === 'all') {
    progress('Opening the doors …')
    const api = await startApi(saldo)
    undo.push(api.stop)
    // Where any free port was asked for, it is known now: the links in mails need it.
    config.port = Number(new URL(api.url).port)
    progress(sandbox ? welcome(await sandbox.announce(api.url)) : `Saldo answers at ${api.url}`)
  } else {
    progress(`The ${role} is at work.`)
  }
}

function welcome(file: SandboxFile): string {
  const width = Math.max(...file.users.map((user) => user.email.length))
  return [
    '',
    `Saldo answers at ${file.url}   SANDBOX: no real money, no real provider`,
    '',
    ...file.users.map((user) => `  ${user.email.padEnd(width)}  ${user.password}  ${user.role}`),
    `  API key of the customer: ${file.apiKeys.customer}`,
    `  The sandbox provider and its control door: ${file.sandbox.provider}`,
    ...(file.sandbox.second_provider
      ? [`  Where orders go that it refuses:           ${file.sandbox.second_provider}`]
      : []),
    ...(file.sandbox.mail ? [`  Every mail that is sent, to be read:       ${file.sandbox.mail}`] : []),
    ...(file.sandbox.telegram ? [`  A simulated chat with the Telegram bot:    ${file.sandbox.telegram}`] : []),
    ...(file.sandbox.webhooks ? [`  What the customer's webhook received:      ${file.sandbox.webhooks}`] : []),
    '',
    'Place an order:',
    '',
    `  curl -s ${file.url}/api/v2 -d key=${file.apiKeys.customer} -d action=add -d service=1 -d link=https://example.com/text -d quantity=1000`,
    '',
    `Watch it: -d action=status -d order=<the number>. All doors are described at ${file.url}/docs`,
    '',
  ].join('\n')
}
