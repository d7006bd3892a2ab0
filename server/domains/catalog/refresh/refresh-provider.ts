import { type Actor, SYSTEM } from '#server/domains/audit/act.ts'
import { ProviderReadError } from '#server/domains/providers/provider.ts'
import type { Providers } from '#server/domains/providers/registry.ts'
import { applyOffer, type OfferOutcome } from '../apply-offer.ts'
import { OfferTooLongError } from '../errors.ts'
import { IMPORT_SERVICES_MAX } from '../import-services.ts'
import type { CatalogApp } from '../service.ts'
import { recordRefresh } from './record-refresh.ts'

/** Whose prices are to be read anew. */
export interface RefreshProvider {
  provider_id: bigint
  /** Someone has looked at the list: apply it even if it looks as if half of it were missing. */
  accept_shrunken?: boolean | undefined
  /** Who asks; the house itself when absent. */
  by?: Actor | undefined
}

/**
 * Reads a provider's list and brings the prices, limits and availability of the services that we have of it in line; creates none. What it no longer lists is not sold, and is
 * sold again by itself when it is listed again. Rows that stay the same are not written. A provider that cannot be read, or a list that looks wrong, changes nothing but the
 * state of the refresh, which staff are alarmed by. Throws ProviderNotFoundError, OfferTooLongError.
 */
export async function refreshProvider(
  app: CatalogApp,
  providers: Providers,
  { provider_id, accept_shrunken, by = SYSTEM }: RefreshProvider,
): Promise<OfferOutcome> {
  const provider = await providers.providerById(provider_id)
  const asked_at = app.clock.now()
  try {
    const offer = await provider.services()
    if (offer.services.length > IMPORT_SERVICES_MAX) throw new OfferTooLongError(IMPORT_SERVICES_MAX)
    return await applyOffer(app, { provider_id, offer, asked_at, create: 'none', accept_shrunken, by })
  } catch (error) {
    if (!(error instanceof ProviderReadError)) throw error
    const problem = `The list could not be read: ${error.message}`
    await app.db.transaction(async (tx) => recordRefresh(tx, provider.row, { tried_at: asked_at, problem }))
    return { applied: false, overtaken: false, problem }
  }
}
