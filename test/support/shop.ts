import { onTestFinished } from 'vitest'
import type { ProviderPanel, ProviderPanelOptions } from '#sandbox/provider/start-provider-panel.ts'
import type { OpenApp } from '#server/app.ts'
import { activeServices } from '#server/domains/catalog/sellable-services.ts'
import type { Service } from '#server/domains/catalog/service.ts'
import { createUser } from '#server/domains/identity/create-user.ts'
import { balancesOf } from '#server/domains/ledger/queries.ts'
import { accountIds, walletOf } from '#server/domains/orders/accounts.ts'
import type { NewProvider } from '#server/domains/providers/provider-settings.ts'
import { openProviders, type Providers } from '#server/domains/providers/registry.ts'
import { newUuid } from '#server/kit/id.ts'
import { parseAmount } from '#server/kit/money.ts'
import { openSecrets } from '#server/platform/secrets/secrets.ts'
import { testApp } from './app.ts'
import { addPanel, fund, type PanelProvider, startPanel } from './panel-provider.ts'

/** A shop with one provider, whose catalogue is imported, and ways to make customers. */
export interface Shop extends PanelProvider {
  app: OpenApp
  providers: Providers
  panel: ProviderPanel
  services: readonly Service[]
  /** The first service sold of this type. */
  service(type: Service['type']): Service
  /** A customer with this much money, a decimal in USD. */
  customer(usd?: string): Promise<{ id: bigint; wallet: bigint }>
  /** Posted and held of a customer's wallet, in micro-USD. */
  wallet(customer_id: bigint): Promise<{ posted: bigint; held: bigint }>
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
  const panel = await startPanel(options.panel)
  const app = await testApp(options)
  const providers = openProviders({ ...app, secrets: await openSecrets(app.config) })
  onTestFinished(() => providers.close())
  const provider = await addPanel(app, providers, panel, { name: 'Panel', ...options.provider })
  const services = await activeServices(app)
  return {
    ...provider,
    app,
    providers,
    panel,
    services,
    service: (type) => {
      const found = services.find((service) => service.type === type)
      if (!found) throw new Error(`the panel sells no ${type}`)
      return found
    },
    customer: async (usd = '100') => {
      const user = await createUser(app, { email: `${newUuid()}@example.com`, password: newUuid(), role: 'customer' })
      const [wallet] = (await accountIds(app.db, [walletOf(user.id, 'USD')])) as [bigint]
      await fund(app.db, wallet, parseAmount(usd, 6) as bigint)
      return { id: user.id, wallet }
    },
    wallet: async (customer_id) => {
      const [id] = await accountIds(app.db, [walletOf(customer_id, 'USD')])
      return balance(app, id as bigint)
    },
  }
}

async function balance(app: OpenApp, id: bigint): Promise<{ posted: bigint; held: bigint }> {
  const found = (await balancesOf(app.db, [id])).get(id)
  if (!found) throw new Error(`no account ${id}`)
  return { posted: found.posted, held: found.held }
}
