import { onTestFinished } from 'vitest'
import { controlOf, type PanelControl } from '#sandbox/provider/client.ts'
import {
  type ProviderPanel,
  type ProviderPanelOptions,
  startProviderPanel,
} from '#sandbox/provider/start-provider-panel.ts'
import { importServices } from '#server/domains/catalog/import-services.ts'
import { RATE_STEP } from '#server/domains/catalog/markup.ts'
import type { CatalogApp } from '#server/domains/catalog/service.ts'
import { postEntries } from '#server/domains/ledger/post-entries.ts'
import { balancesOf } from '#server/domains/ledger/queries.ts'
import { accountIds, prepaidAt, worldIn } from '#server/domains/orders/accounts.ts'
import { addProvider } from '#server/domains/providers/add-provider.ts'
import type { NewProvider } from '#server/domains/providers/provider-settings.ts'
import type { Providers } from '#server/domains/providers/registry.ts'
import { newUuid } from '#server/kit/id.ts'
import { present } from '#server/kit/invariant.ts'
import type { Db } from '#server/platform/db/database.ts'

const KEY = 'panel-key'

/** A simulated panel that is a provider of the house. */
export interface PanelProvider {
  provider_id: bigint
  control: PanelControl
  /** Our own count of the balance with it, in micro-USD. */
  prepaid(): Promise<bigint>
}

/** Starts a simulated panel; closed when the calling test ends. */
export async function startPanel(options: Partial<ProviderPanelOptions> = {}): Promise<ProviderPanel> {
  const panel = await startProviderPanel({ key: KEY, balance: '1000', ...options })
  onTestFinished(() => panel.close())
  return panel
}

/** Makes a panel a provider, with all of its list in the catalogue at cost and thirty per cent, and our books opened with the balance that it tells. */
export async function addPanel(
  app: CatalogApp,
  providers: Providers,
  panel: ProviderPanel,
  settings: Partial<NewProvider> & Pick<NewProvider, 'name'>,
): Promise<PanelProvider> {
  const { id: provider_id } = await app.db.transaction((tx) =>
    addProvider(tx, providers.secrets, {
      ...{ adapter: 'panel-v2', url: panel.url, currency: 'USD', key: KEY, rate_per_second: 10_000 },
      ...settings,
    }),
  )
  const provider = await providers.providerById(provider_id)
  const markup = { percent_bp: 3000n, fixed: 0n, minimum_margin: 0n, step: RATE_STEP }
  await importServices(app, { provider_id, markup, offer: await provider.services() })
  const { balance } = await provider.balance()
  const [prepaid] = (await accountIds(app.db, [prepaidAt(provider_id, 'USD')])) as [bigint]
  await fund(app.db, prepaid, balance)
  return {
    provider_id,
    control: controlOf(panel.control_url),
    prepaid: async () => present((await balancesOf(app.db, [prepaid])).get(prepaid), 'its account').posted,
  }
}

/** Puts money from outside on an account in USD. */
export async function fund(db: Db, account: bigint, amount: bigint): Promise<void> {
  if (amount === 0n) return
  const [world] = (await accountIds(db, [worldIn('USD')])) as [bigint]
  const movement = { kind: 'transfer', debit: world, credit: account, amount, reason: 'test.fund' } as const
  await db.transaction((tx) => postEntries(tx, [{ key: `fund:${newUuid()}`, movements: [movement] }]))
}
