import { onTestFinished } from 'vitest'
import { controlOf, type PanelControl } from '#sandbox/provider/client.ts'
import { type ProviderPanelOptions, startProviderPanel } from '#sandbox/provider/start-provider-panel.ts'
import { importServices } from '#server/domains/catalog/import-services.ts'
import { RATE_STEP } from '#server/domains/catalog/markup.ts'
import { forgetServices, servicesByIds } from '#server/domains/catalog/sellable-services.ts'
import type { Service } from '#server/domains/catalog/service.ts'
import { setSource } from '#server/domains/catalog/sources/set-source.ts'
import { postEntries } from '#server/domains/ledger/post-entries.ts'
import { balancesOf } from '#server/domains/ledger/queries.ts'
import { accountIds, prepaidAt, worldIn } from '#server/domains/orders/accounts.ts'
import { addProvider } from '#server/domains/providers/add-provider.ts'
import type { NewProvider } from '#server/domains/providers/provider-settings.ts'
import { forgetStandings } from '#server/domains/providers/standings.ts'
import { newUuid } from '#server/kit/id.ts'
import { present } from '#server/kit/invariant.ts'
import type { Shop } from './shop.ts'

/** Another provider of a shop, which lists the same services. */
export interface OtherProvider {
  provider_id: bigint
  control: PanelControl
  /** Its row for what one of the shop's services is. */
  serviceLike(service: Service): Promise<Service>
  /** Our own count of the balance with it, in micro-USD. */
  prepaid(): Promise<bigint>
}

/** Opens another simulated panel and makes it a provider of the shop, its list imported. Closed when the calling test ends. */
export async function addOtherProvider(
  shop: Shop,
  options: { panel?: Partial<ProviderPanelOptions>; provider?: Partial<NewProvider> } = {},
): Promise<OtherProvider> {
  const { app, providers } = shop
  const panel = await startProviderPanel({ key: 'panel-key', balance: '1000', ...options.panel })
  onTestFinished(() => panel.close())
  const row = await app.db.transaction((tx) =>
    addProvider(tx, providers.secrets, {
      name: `Panel ${newUuid().slice(0, 8)}`,
      adapter: 'panel-v2',
      url: panel.url,
      currency: 'USD',
      key: 'panel-key',
      rate_per_second: 10_000,
      ...options.provider,
    }),
  )
  const provider = await providers.providerById(row.id)
  const markup = { percent_bp: 3000n, fixed: 0n, minimum_margin: 0n, step: RATE_STEP }
  await importServices(app, { provider_id: row.id, markup, offer: await provider.services() })
  const { balance: opening } = await provider.balance()
  const [world, prepaid] = (await accountIds(app.db, [worldIn('USD'), prepaidAt(row.id, 'USD')])) as [bigint, bigint]
  if (opening > 0n) {
    const funding = { kind: 'transfer', debit: world, credit: prepaid, amount: opening, reason: 'test.fund' } as const
    await app.db.transaction((tx) => postEntries(tx, [{ key: `fund:${newUuid()}`, movements: [funding] }]))
  }
  await forgetStandings(app)
  return {
    provider_id: row.id,
    control: controlOf(panel.control_url),
    serviceLike: async ({ provider_service_id }) => {
      const [found] = await app.db.query<{ id: bigint }>(
        'select id from catalog.service where provider_id = $1 and provider_service_id = $2',
        [row.id, provider_service_id],
      )
      const { id } = present(found, 'the panels list the same')
      return present((await servicesByIds(app, [id])).get(id), 'its row')
    },
    prepaid: async () => present((await balancesOf(app.db, [prepaid])).get(prepaid), 'its account').posted,
  }
}

/** Makes the provider's like of a service its source, behind its own offer; answers the source. */
export async function asSource(shop: Shop, other: OtherProvider, service: Service): Promise<Service> {
  const source = await other.serviceLike(service)
  await setSource(shop.app, { service_id: service.id, source_id: source.id })
  return source
}

/** Changes what a row of the catalogue says, as its provider's list would. */
export async function changeOffer(shop: Shop, service_id: bigint, set: string): Promise<void> {
  await shop.app.db.query(`update catalog.service set ${set} where id = $1`, [service_id])
  await forgetServices(shop.app)
}

/** Switches a provider on or off, or pauses it, as its row says; this process knows at once. */
export async function changeStanding(shop: Shop, provider_id: bigint, set: string): Promise<void> {
  await shop.app.db.query(`update providers.provider set ${set} where id = $1`, [provider_id])
  await forgetStandings(shop.app)
}
