import type { ProviderPanelOptions } from '#sandbox/provider/start-provider-panel.ts'
import { forgetServices, servicesByIds } from '#server/domains/catalog/sellable-services.ts'
import type { Service } from '#server/domains/catalog/service.ts'
import { setSource } from '#server/domains/catalog/sources/set-source.ts'
import type { NewProvider } from '#server/domains/providers/provider-settings.ts'
import { forgetStandings } from '#server/domains/providers/standings.ts'
import { newUuid } from '#server/kit/id.ts'
import { present } from '#server/kit/invariant.ts'
import { addPanel, type PanelProvider, startPanel } from './panel-provider.ts'
import type { Shop } from './shop.ts'

/** Another provider of a shop, which lists the same services. */
export interface OtherProvider extends PanelProvider {
  /** Its row for what one of the shop's services is. */
  serviceLike(service: Service): Promise<Service>
}

/** Opens another simulated panel and makes it a provider of the shop, its list imported. Closed when the calling test ends. */
export async function addOtherProvider(
  shop: Shop,
  options: { panel?: Partial<ProviderPanelOptions>; provider?: Partial<NewProvider> } = {},
): Promise<OtherProvider> {
  const { app, providers } = shop
  const panel = await startPanel(options.panel)
  const name = `Panel ${newUuid().slice(0, 8)}`
  const provider = await addPanel(app, providers, panel, { name, ...options.provider })
  await forgetStandings(app)
  return {
    ...provider,
    serviceLike: async ({ provider_service_id }) => {
      const [found] = await app.db.query<{ id: bigint }>(
        'select id from catalog.service where provider_id = $1 and provider_service_id = $2',
        [provider.provider_id, provider_service_id],
      )
      const { id } = present(found, 'the panels list the same')
      return present((await servicesByIds(app, [id])).get(id), 'its row')
    },
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
