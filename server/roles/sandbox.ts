import { createHmac } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { importServices } from '#server/domains/catalog/import-services.ts'
import { RATE_STEP } from '#server/domains/catalog/markup.ts'
import { createUser } from '#server/domains/identity/create-user.ts'
import { createApiKey } from '#server/domains/identity/keys/create-api-key.ts'
import { userByEmail } from '#server/domains/identity/queries.ts'
import { postEntries } from '#server/domains/ledger/post-entries.ts'
import { accountIds, prepaidAt, walletOf, worldIn } from '#server/domains/orders/accounts.ts'
import { addProvider } from '#server/domains/providers/add-provider.ts'
import { changeProvider } from '#server/domains/providers/change-provider.ts'
import { listProviders } from '#server/domains/providers/queries.ts'
import { readOrMakeKeyFile } from '#server/platform/secrets/key-file.ts'
import { forkSandbox, portOf } from './fork-sandbox.ts'
import { liftRateLimits } from './lift-rate-limits.ts'
import type { Progress, Saldo } from './open-saldo.ts'
import { readSandboxFile, type SandboxFile, writeSandboxFile } from './sandbox-file.ts'
import { type SandboxReceiver, startSandboxReceiver } from './sandbox-webhook.ts'

/** The simulated outside world, running, and what signs in to this house. */
export interface Sandbox {
  /** Writes sandbox.json with the address under which Saldo answers. */
  announce(url: string): Promise<SandboxFile>
  stop(): Promise<void>
}

/** Pays for thousands of orders, also of the dearer services. Micro-USD. */
const CUSTOMER_FUNDS = 100_000_000_000n
/** What the simulated provider has of ours: more than the customer can spend. */
const PROVIDER_BALANCE = '250000.00'
/** Thirty percent, and at least a cent a thousand. */
const MARKUP = { percent_bp: 3_000n, fixed: 0n, minimum_margin: 10_000n, step: RATE_STEP }
const PROVIDER_NAME = 'Sandbox provider'
const USERS = [
  { email: 'admin@saldo.example', role: 'administrator', name: 'Administrator' },
  { email: 'customer@saldo.example', role: 'customer', name: 'Customer' },
] as const

/**
 * Starts the simulated provider and receiver of webhooks beside Saldo and seeds what is missing: two users, an API key, a webhook, the provider with its catalogue, funds. May be run on a
 * house that was seeded before: nothing is seeded twice. `post`: what else runs, to be told with it.
 */
export async function startSandbox(
  saldo: Saldo,
  progress: Progress,
  post: Partial<SandboxFile['sandbox']> = {},
): Promise<Sandbox> {
  const { home } = saldo.app.config
  await mkdir(home, { recursive: true })
  const known = await readSandboxFile(home)
  const key = await derivedSecret(home, 'provider key')
  const panel = await startPanel(home, key, known?.sandbox.provider)
  const receiver = await startSandboxReceiver(saldo, known?.sandbox.webhooks)
  const stop = async () => void (await Promise.all([panel.stop(), receiver.stop()]))
  try {
    const users = await seedUsers(saldo)
    await liftRateLimits(saldo.app, 'A sandbox is there to be tried out, under load too.')
    await seedProvider(saldo, `${panel.url}/api/v2`, key, progress)
    const customer = await seedCustomer(saldo, known, receiver)
    return {
      announce: async (url) => {
        const file: SandboxFile = {
          url,
          users,
          apiKeys: { customer },
          sandbox: { provider: panel.url, webhooks: receiver.url, ...post },
        }
        await writeSandboxFile(home, file)
        return file
      },
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** On the port it had before, if that is free. */
async function startPanel(home: string, key: string, before: string | undefined) {
  const args = [
    '--key',
    key,
    '--balance',
    PROVIDER_BALANCE,
    '--state-file',
    join(home, 'sandbox-provider.json'),
    '--port',
  ]
  const { told, stop } = await forkSandbox('provider/main.ts', [
    [...args, portOf(before)],
    [...args, '0'],
  ])
  return { url: new URL(told.url as string).origin, stop }
}

async function seedUsers(saldo: Saldo): Promise<SandboxFile['users']> {
  const users: SandboxFile['users'] = []
  for (const { email, role, name } of USERS) {
    const password = await derivedSecret(saldo.app.config.home, `password of ${email}`)
    if (!(await userByEmail(saldo.app, email))) await createUser(saldo.app, { email, password, role, name })
    users.push({ email, password, role })
  }
  return users
}

async function seedProvider(saldo: Saldo, url: string, key: string, progress: Progress): Promise<void> {
  const { app, secrets, providers } = saldo
  const rows = await listProviders(app.db)
  const known = rows.find((row) => row.name === PROVIDER_NAME)
  if (known) {
    if (known.url === url) return
    await app.db.transaction((tx) => changeProvider(tx, secrets, { provider_id: known.id, settings: { url } }))
    return
  }
  progress('Filling the catalogue from the sandbox provider …')
  const settings = {
    name: PROVIDER_NAME,
    url,
    key,
    currency: 'USD',
    concurrency: 32,
    rate_per_second: 1_000,
    timeout_ms: 5_000,
  }
  const row = await app.db.transaction((tx) => addProvider(tx, secrets, settings))
  const provider = await providers.providerById(row.id)
  const { balance } = await provider.balance()
  await importServices(app, {
    provider_id: row.id,
    markup: MARKUP,
    offer: await provider.services(),
  })
  const [world, prepaid] = (await accountIds(app.db, [worldIn('USD'), prepaidAt(row.id, 'USD')])) as [bigint, bigint]
  await move(saldo, `provider:${row.id}:opening`, world, prepaid, balance, 'provider.opening')
}

async function seedCustomer(saldo: Saldo, known: SandboxFile | undefined, receiver: SandboxReceiver): Promise<string> {
  const { app } = saldo
  const user = await userByEmail(app, USERS[1].email)
  if (!user) throw new Error('the sandbox customer was not seeded')
  const [world, wallet] = (await accountIds(app.db, [worldIn('USD'), walletOf(user.id, 'USD')])) as [bigint, bigint]
  await move(saldo, `sandbox:funds:${user.id}`, world, wallet, CUSTOMER_FUNDS, 'sandbox.funds')
  await receiver.seed(user.id)
  if (known?.apiKeys.customer) return known.apiKeys.customer
  const { key } = await createApiKey(app, { user_id: user.id, name: 'Sandbox', legacy_get: true })
  return key
}

async function move(saldo: Saldo, key: string, debit: bigint, credit: bigint, amount: bigint, reason: string) {
  if (amount <= 0n) return
  await saldo.app.db.transaction((tx) =>
    postEntries(tx, [{ key, movements: [{ kind: 'transfer', debit, credit, amount, reason }] }]),
  )
}

/** The same for one home each time, so that a lost sandbox.json loses no sign-in. */
async function derivedSecret(home: string, what: string): Promise<string> {
  const master = await readOrMakeKeyFile(home)
  return createHmac('sha256', master).update(`sandbox: ${what}`).digest('hex').slice(0, 24)
}
