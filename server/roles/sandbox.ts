import { createHmac } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { editService } from '#server/domains/catalog/edit-service.ts'
import { importServices } from '#server/domains/catalog/import-services.ts'
import { RATE_STEP } from '#server/domains/catalog/markup.ts'
import { activeServices } from '#server/domains/catalog/sellable-services.ts'
import type { Service } from '#server/domains/catalog/service.ts'
import { setSource } from '#server/domains/catalog/sources/set-source.ts'
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
/** Where orders of a few services go when the first refuses them. */
const SECOND_NAME = 'Second sandbox provider'
const SECOND_SERVICES = 3
const USERS = [
  { email: 'admin@saldo.example', role: 'administrator', name: 'Administrator' },
  { email: 'customer@saldo.example', role: 'customer', name: 'Customer' },
] as const

/**
 * Starts the simulated providers and the receiver of webhooks beside Saldo and seeds what is missing: two users, an API key, a webhook, the providers with their catalogue, funds. May be run on a
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
  const [panel, second, receiver] = await Promise.all([
    startPanel(home, 'sandbox-provider.json', key, known?.sandbox.provider),
    startPanel(home, 'sandbox-second-provider.json', key, known?.sandbox.second_provider),
    startSandboxReceiver(saldo, known?.sandbox.webhooks),
  ])
  const stop = async () => void (await Promise.all([panel.stop(), second.stop(), receiver.stop()]))
  try {
    const users = await seedUsers(saldo)
    await liftRateLimits(saldo.app, 'A sandbox is there to be tried out, under load too.')
    await seedProvider(saldo, { name: PROVIDER_NAME, url: `${panel.url}/api/v2`, key }, progress)
    await seedSecond(saldo, { name: SECOND_NAME, url: `${second.url}/api/v2`, key }, progress)
    const customer = await seedCustomer(saldo, known, receiver)
    return {
      announce: async (url) => {
        const file: SandboxFile = {
          url,
          users,
          apiKeys: { customer },
          sandbox: { provider: panel.url, second_provider: second.url, webhooks: receiver.url, ...post },
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
async function startPanel(home: string, state_file: string, key: string, before: string | undefined) {
  const args = ['--key', key, '--balance', PROVIDER_BALANCE, '--state-file', join(home, state_file), '--port']
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

interface SeededProvider {
  name: string
  url: string
  key: string
}

/** Adds the provider where it is not there yet, with as many of its services as said, all without it; its address is as it is now. Answers its id where it is new. */
async function seedProvider(
  saldo: Saldo,
  { name, url, key }: SeededProvider,
  progress: Progress,
  services_max = Number.POSITIVE_INFINITY,
): Promise<bigint | undefined> {
  const { app, secrets, providers } = saldo
  const rows = await listProviders(app.db)
  const known = rows.find((row) => row.name === name)
  if (known) {
    if (known.url === url) return undefined
    await app.db.transaction((tx) => changeProvider(tx, secrets, { provider_id: known.id, settings: { url } }))
    return undefined
  }
  progress(`Filling the catalogue from the ${name[0]?.toLowerCase()}${name.slice(1)} …`)
  const settings = { name, url, key, currency: 'USD', concurrency: 32, rate_per_second: 1_000, timeout_ms: 5_000 }
  const row = await app.db.transaction((tx) => addProvider(tx, secrets, settings))
  const provider = await providers.providerById(row.id)
  const [{ balance }, { services, unreadable }] = await Promise.all([provider.balance(), provider.services()])
  const offer = { services: services.slice(0, services_max), unreadable }
  await importServices(app, { provider_id: row.id, markup: MARKUP, offer })
  const [world, prepaid] = (await accountIds(app.db, [worldIn('USD'), prepaidAt(row.id, 'USD')])) as [bigint, bigint]
  await move(saldo, `provider:${row.id}:opening`, world, prepaid, balance, 'provider.opening')
  return row.id
}

/** The second does the first few services of the first too: not sold under its own name, but where orders go that the first refuses. */
async function seedSecond(saldo: Saldo, second: SeededProvider, progress: Progress): Promise<void> {
  const { app } = saldo
  const id = await seedProvider(saldo, second, progress, SECOND_SERVICES)
  if (id === undefined) return
  const services = await activeServices(app)
  for (const source of services.filter((each) => each.provider_id === id)) {
    const of = (each: Service) => each.provider_id !== id && each.provider_service_id === source.provider_service_id
    const service = services.find(of)
    await editService(app, { service_id: source.id, active: false, reason: 'A source of another.' })
    if (service) await setSource(app, { service_id: service.id, source_id: source.id })
  }
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
