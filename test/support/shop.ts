import { onTestFinished } from 'vitest'
import { controlOf, type PanelControl } from '#sandbox/provider/client.ts'
import {
  type ProviderPanel,
  type ProviderPanelOptions,
  startProviderPanel,
} from '#sandbox/provider/start-provider-panel.ts'
import type { OpenApp } from '#server/app.ts'
import { importServices } from '#server/domains/catalog/import-services.ts'
import { RATE_STEP } from '#server/domains/catalog/markup.ts'
import { activeServices } from '#server/domains/catalog/sellable-services.ts'
import type { Service } from '#server/domains/catalog/service.ts'
import { createUser } from '#server/domains/identity/create-user.ts'
import { postEntries } from '#server/domains/ledger/post-entries.ts'
import { balancesOf } from '#server/domains/ledger/queries.ts'
import { accountIds, prepaidAt, walletOf, worldIn } from '#server/domains/orders/accounts.ts'
import { addProvider } from '#server/domains/providers/add-provider.ts'
import type { NewProvider } from '#server/domains/providers/provider-settings.ts'
import { openProviders, type Providers } from '#server/domains/providers/registry.ts'
import { newUuid } from '#server/kit/id.ts'
import { parseAmount } from '#server/kit/money.ts'
import { openSecrets } from '#server/platform/secrets/secrets.ts'
import { testApp } from './app.ts'

/** A shop with one provider, whose catalogue is imported, and ways to make customers. */
export interface Shop {
  app: OpenApp
  providers: Providers
  provider_id: bigint
  panel: ProviderPanel
  control: PanelControl
  services: readonly Service[]
  /** The first service sold of this type. */
  service(type: Service['type']): Service
  /** A customer with this much money, a decimal in USD. */
  customer(usd?: string): Promise<{ id: bigint; wallet: bigint }>
  /** Posted and held of a customer's wallet, in micro-USD. */
  wallet(customer_id: bigint): Promise<{ posted: bigint; held: bigint }>
  /** Our own count of the balance with the provider, in micro-USD. */
  prepaid(): Promise<bigint>
}

/** Options of the panel and of our settings for it. */
export interface ShopOptions {
  panel?: Partial<ProviderPanelOptions>
  provider?: Partial<NewProvider>
  url?: string
  connections?: number
}

/** Opens a shop on a database of the calling test's own; everything is closed when that test ends. */
export async function openShop(options: ShopOptions = {}): Promise<Shop> {
  const panel = await startProviderPanel({ key: 'panel-key', balance: '1000', ...options.panel })
  onTestFinished(() => panel.close())
  const app = await testApp(options)
  const secrets = await openSecrets(app.config)
  const providers = openProviders({ ...app, secrets })
  onTestFinished(() => providers.close())
  const row = await app.db.transaction((tx) =>
    addProvider(tx, secrets, {
      name: 'Panel',
      adapter: 'panel-v2',
      url: panel.url,
      currency: 'USD',
      key: 'panel-key',
      rate_per_second: 10_000,
      ...options.provider,
    }),
  )
  const provider = await providers.providerById(row.id)
  const offer = await provider.services()
  await importServices(app, {
    provider_id: row.id,
    markup: { percent_bp: 3000n, fixed: 0n, minimum_margin: 0n, step: RATE_STEP },
    offer,
  })
  const opening = await provider.balance()
  const [world, prepaid] = (await accountIds(app.db, [worldIn('USD'), prepaidAt(row.id, 'USD')])) as [bigint, bigint]
  await fund(app, world, prepaid, opening.balance)
  const services = await activeServices(app)
  return {
    app,
    providers,
    provider_id: row.id,
    panel,
    control: controlOf(panel.control_url),
    services,
    service: (type) => {
      const found = services.find((service) => service.type === type)
      if (!found) throw new Error(`the panel sells no ${type}`)
      return found
    },
    customer: async (usd = '100') => {
      const user = await createUser(app, { email: `${newUuid()}@example.com`, password: newUuid(), role: 'customer' })
      const [wallet] = (await accountIds(app.db, [walletOf(user.id, 'USD')])) as [bigint]
      await fund(app, world, wallet, parseAmount(usd, 6) as bigint)
      return { id: user.id, wallet }
    },
    wallet: async (customer_id) => {
      const [id] = await accountIds(app.db, [walletOf(customer_id, 'USD')])
      return balance(app, id as bigint)
    },
    prepaid: async () => (await balance(app, prepaid)).posted,
  }
}

async function fund(app: OpenApp, debit: bigint, credit: bigint, amount: bigint): Promise<void> {
  if (amount === 0n) return
  await app.db.transaction((tx) =>
    postEntries(tx, [
      { key: `fund:${newUuid()}`, movements: [{ kind: 'transfer', debit, credit, amount, reason: 'test.fund' }] },
    ]),
  )
}

async function balance(app: OpenApp, id: bigint): Promise<{ posted: bigint; held: bigint }> {
  const found = (await balancesOf(app.db, [id])).get(id)
  if (!found) throw new Error(`no account ${id}`)
  return { posted: found.posted, held: found.held }
}
