import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { controlOf, type PanelControl } from '#sandbox/provider/client.ts'
import { importServices } from '#server/domains/catalog/import-services.ts'
import { RATE_STEP } from '#server/domains/catalog/markup.ts'
import { activeServices } from '#server/domains/catalog/sellable-services.ts'
import type { Service } from '#server/domains/catalog/service.ts'
import { createUser } from '#server/domains/identity/create-user.ts'
import { createApiKey } from '#server/domains/identity/keys/create-api-key.ts'
import { postEntries } from '#server/domains/ledger/post-entries.ts'
import { verifyLedger } from '#server/domains/ledger/verify.ts'
import { accountIds, prepaidAt, walletOf, worldIn } from '#server/domains/orders/accounts.ts'
import { verifyOrders } from '#server/domains/orders/verify-orders.ts'
import { addProvider } from '#server/domains/providers/add-provider.ts'
import type { NewProvider } from '#server/domains/providers/provider-settings.ts'
import { openProviders } from '#server/domains/providers/registry.ts'
import { newUuid } from '#server/kit/id.ts'
import { present } from '#server/kit/invariant.ts'
import { openSecrets } from '#server/platform/secrets/secrets.ts'
import type { BenchContext } from './bench.ts'

const ROOT = join(import.meta.dirname, '..')
const PANEL_KEY = 'bench-provider-key'
/** Thirty percent. */
const MARKUP = { percent_bp: 3_000n, fixed: 0n, minimum_margin: 0n, step: RATE_STEP }
/** In which Linux counts a process's time, on all that we know. */
const CPU_TICK_MS = 10
/** Micro-USD. No run spends it. */
const CUSTOMER_FUNDS = 10n ** 15n

/** A process of the product or of the world around it. */
export interface Process {
  /** Its resident memory, in MB. */
  resident_mb(): Promise<number>
  /** What it took of the processors so far, in milliseconds. */
  cpu_ms(): Promise<number>
  stop(): Promise<void>
}

/** The provider, a process of its own as it is in life. */
export interface PanelProcess extends Process {
  url: string
  control: PanelControl
}

/** Starts the provider panel with these command line options besides its key. */
export async function startPanel(...options: string[]): Promise<PanelProcess> {
  const main = join(ROOT, 'sandbox/provider/main.ts')
  const args = [main, '--key', PANEL_KEY, '--balance', '900000000', ...options]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const line = await firstLine(child, child.stdout, /^\{.*\}$/m)
  const { url, control_url } = JSON.parse(line) as { url: string; control_url: string }
  return { ...asProcess(child), url, control: controlOf(control_url) }
}

/** Starts the receiver of webhooks; answers when it listens. */
export async function startReceiver(): Promise<Process & { url: string }> {
  return startServer('sandbox/webhook-receiver/main.ts')
}

/** Starts a server that does nothing but answer. */
export async function startBareServer(): Promise<Process & { url: string }> {
  return startServer('bench/bare-server.ts')
}

/** Starts a program that says its address as JSON in its first line. */
async function startServer(program: string): Promise<Process & { url: string }> {
  const main = join(ROOT, program)
  const child = spawn(process.execPath, [main], { stdio: ['ignore', 'pipe', 'inherit'] })
  const { url } = JSON.parse(await firstLine(child, child.stdout, /^\{.*\}$/m)) as { url: string }
  return { ...asProcess(child), url }
}

/** Starts a role of the product on the bench's database, with these settings besides its own; answers when it is at work, with its address where it has one. */
export async function startRole(
  context: BenchContext,
  role: string,
  settings: Record<string, string> = {},
): Promise<Process & { url: string }> {
  const { secret_key } = context.app.config
  const env = {
    PATH: process.env.PATH,
    PORT: '0',
    DATABASE_URL: context.url,
    SALDO_MODE: 'production',
    SALDO_SECRET_KEY: secret_key,
    SALDO_ALLOW_PRIVATE_ADDRESSES: 'yes',
    SALDO_LOG_LEVEL: 'warn',
    ...settings,
  }
  // As the launcher starts the product, so it started the bench.
  const args = [...process.execArgv, join(ROOT, 'server/main.ts'), role]
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'inherit', 'pipe'] })
  const said = await firstLine(child, child.stderr, /answers at \S+|is at work/)
  return { ...asProcess(child), url: /http\S+/.exec(said)?.[0] ?? '' }
}

function asProcess(child: ChildProcess): Process {
  const exited = once(child, 'exit')
  return {
    resident_mb: async () => {
      const status = await readFile(`/proc/${child.pid}/status`, 'utf8')
      return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024)
    },
    cpu_ms: async () => {
      // Behind the name in brackets, which may have spaces, the 12th and 13th: in the system's own time and in ours, in hundredths of a second.
      const fields = (await readFile(`/proc/${child.pid}/stat`, 'utf8')).split(') ').at(-1)?.split(' ') ?? []
      return (Number(fields[11]) + Number(fields[12])) * CPU_TICK_MS
    },
    stop: async () => {
      child.kill('SIGTERM')
      await exited
    },
  }
}

async function firstLine(child: ChildProcess, stream: NodeJS.ReadableStream, wanted: RegExp): Promise<string> {
  let text = ''
  return new Promise((resolve, reject) => {
    stream.on('data', (data: Buffer) => {
      text += data.toString()
      const found = wanted.exec(text)
      if (found) resolve(found[0])
    })
    child.once('exit', () => reject(new Error(`a process of the bench ended early: ${text}`)))
  })
}

/** A shop in the bench's database. */
export interface BenchShop {
  provider_id: bigint
  services: readonly Service[]
  /** A customer with more money than any run spends, and a key. */
  customer(): Promise<{ id: bigint; wallet: bigint; key: string }>
}

/** Adds the panel as a provider and imports its catalogue. */
export async function openBenchShop(
  { app }: BenchContext,
  panel: PanelProcess,
  settings: Partial<NewProvider> = {},
): Promise<BenchShop> {
  const secrets = await openSecrets(app.config)
  const { id: provider_id } = await app.db.transaction((tx) =>
    addProvider(tx, secrets, { name: 'Bench', url: panel.url, key: PANEL_KEY, currency: 'USD', ...settings }),
  )
  const providers = openProviders({ ...app, secrets })
  const provider = await providers.providerById(provider_id)
  const offer = await provider.services()
  const { balance } = await provider.balance()
  await providers.close()
  await importServices(app, { provider_id, markup: MARKUP, offer })
  const [world, prepaid] = (await accountIds(app.db, [worldIn('USD'), prepaidAt(provider_id, 'USD')])) as [
    bigint,
    bigint,
  ]
  const fund = (credit: bigint, amount: bigint) =>
    app.db.transaction((tx) =>
      postEntries(tx, [
        {
          key: `bench:fund:${newUuid()}`,
          movements: [{ kind: 'transfer', debit: world, credit, amount, reason: 'bench.fund' }],
        },
      ]),
    )
  await fund(prepaid, balance)
  return {
    provider_id,
    services: await activeServices(app),
    customer: async () => {
      const { id } = await createUser(app, { email: `${newUuid()}@example.com`, password: newUuid(), role: 'customer' })
      const [wallet] = (await accountIds(app.db, [walletOf(id, 'USD')])) as [bigint]
      await fund(wallet, CUSTOMER_FUNDS)
      const { key } = await createApiKey(app, { user_id: id, name: 'bench' })
      return { id, wallet, key }
    },
  }
}

/** What the load generator saw. */
export interface Load {
  requests: number
  per_second: number
  p50_ms: number
  p99_ms: number
  failed: number
}

/** What is asked again and again. */
export interface Asked {
  url: string
  headers: Record<string, string>
  body: string
}

const LOAD_SCRIPT = join(ROOT, 'bench/load.lua')

/**
 * Posts the same again and again with wrk, over so many connections, on each when the last is answered. Like the yardstick's, this generator is a program of C: what it takes of the
 * cores, the house has not.
 */
export async function load(wrk: string, asked: Asked, seconds: number, connections: number): Promise<Load> {
  const headers = Object.entries(asked.headers).flatMap(([name, value]) => ['--header', `${name}: ${value}`])
  const pace = ['--threads', '1', '--connections', `${connections}`, '--duration', `${seconds}s`, '--timeout', '10s']
  const script = ['--script', LOAD_SCRIPT, asked.url, '--', asked.body]
  const { stdout } = await promisify(execFile)(wrk, [...pace, ...headers, ...script])
  return JSON.parse(present(stdout.trimEnd().split('\n').at(-1), 'the last line')) as Load
}

/** Asks an address at a steady rate, from a process of its own; see steady-load.ts for its options. */
export async function steadyLoad(url: string, ...options: string[]): Promise<Load> {
  return (await runJson(['--max-semi-space-size=64', join(ROOT, 'bench/steady-load.ts'), ...options, url])) as Load
}

async function runJson(args: string[]): Promise<unknown> {
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 10_000_000 })
  return JSON.parse(stdout)
}

/** Throws unless the ledger and the orders are sound. */
export async function proveBooks({ app, say }: BenchContext): Promise<{ clean: true }> {
  say('Verifying …')
  const ledger = await verifyLedger(app.db)
  const orders = await verifyOrders(app.db)
  const problem = ledger.problems[0] ?? orders.problems[0]
  if (problem) {
    throw new Error(
      `the books are wrong: ${JSON.stringify(problem, (_, v) => (typeof v === 'bigint' ? String(v) : v))}`,
    )
  }
  return { clean: true }
}
