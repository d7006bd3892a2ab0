import type { Actor } from '#server/domains/audit/act.ts'
import type { Tx } from '#server/platform/db/database.ts'
import { priceService } from '../price-service.ts'
import { readPricing } from '../pricing.ts'
import { selectServicesBilledIn } from '../queries.ts'
import type { CatalogApp } from '../service.ts'
import { changesAmong, type ServiceChange, writeServices } from '../write-services.ts'

/** Prices all services whose cost is in these assets anew, under `lockPrices`; those that stay the same are not written. Answers what changed. */
export async function repriceCurrencies(
  app: CatalogApp,
  tx: Tx,
  assets: readonly string[],
  { by, at }: { by: Actor; at: Date },
): Promise<ServiceChange[]> {
  const services = await selectServicesBilledIn(tx, assets)
  const pricing = await readPricing(tx, app)
  const changes = changesAmong(services.map((before) => ({ before, after: priceService(before, pricing) })))
  await writeServices(tx, changes, { cause: 'exchange_rate', user_id: by.user_id ?? null, at })
  return changes
}
