import { type Actor, SYSTEM } from '#server/domains/audit/act.ts'
import { ProviderReadError } from '#server/domains/providers/provider.ts'
import type { Providers } from '#server/domains/providers/registry.ts'
import { OfferTooLongError, OfferUnavailableError } from '../errors.ts'
import { IMPORT_SERVICES_MAX } from '../import-services.ts'
import type { CatalogApp } from '../service.ts'
import { type KeptOffer, keepOffer } from './kept-offer.ts'

/**
 * Reads a provider's list now and keeps it for those who choose from it; nothing is taken in. Throws ProviderNotFoundError, OfferTooLongError beyond IMPORT_SERVICES_MAX
 * rows, OfferUnavailableError where the provider does not tell it.
 */
export async function askOffer(
  app: CatalogApp,
  providers: Providers,
  { provider_id, by = SYSTEM }: { provider_id: bigint; by?: Actor },
): Promise<KeptOffer> {
  const provider = await providers.providerById(provider_id)
  const asked_at = app.clock.now()
  const offer = await provider.services().catch((error: unknown) => {
    throw error instanceof ProviderReadError ? new OfferUnavailableError(error.message) : error
  })
  if (offer.services.length > IMPORT_SERVICES_MAX) throw new OfferTooLongError(IMPORT_SERVICES_MAX)
  return app.db.transaction((tx) => keepOffer(tx, { provider_id, offer, asked_at, user_id: by.user_id ?? null }))
}
