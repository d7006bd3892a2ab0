import type { Actor } from '#server/domains/audit/act.ts'
import { applyOffer } from './apply-offer.ts'
import { OfferOvertakenError, OfferSuspiciousError, OfferTooLongError } from './errors.ts'
import type { MarkupRule } from './markup.ts'
import type { ImportReport, Offer } from './plan-import.ts'
import type { CatalogApp } from './service.ts'

/** The longest lists seen have about 10,000 rows; this bounds the memory and the time under lock of one import. */
export const IMPORT_SERVICES_MAX = 50_000

export interface ImportServices {
  provider_id: bigint
  /** The provider's mark-up rule from now on; without it the standing rules price what is new. */
  markup?: MarkupRule
  /** The answer of `Provider.services`, fetched before: the network has no place in a transaction. */
  offer: Offer
  /** When that was asked for; now when absent. */
  asked_at?: Date
  /** Apply the list even if it looks as if half of it were missing. */
  accept_shrunken?: boolean
  /** Who imports; the house itself when absent. */
  by?: Actor
}

/**
 * Takes all that a provider offers into the catalogue, and brings what is there in line with it; see `applyOffer`. Throws OfferTooLongError beyond
 * IMPORT_SERVICES_MAX rows, OfferSuspiciousError for a list that looks wrong, OfferOvertakenError, ExchangeRateMissingError, ProviderNotFoundError.
 */
export async function importServices(app: CatalogApp, input: ImportServices): Promise<ImportReport> {
  if (input.offer.services.length > IMPORT_SERVICES_MAX) throw new OfferTooLongError(IMPORT_SERVICES_MAX)
  const { asked_at = app.clock.now() } = input
  const outcome = await applyOffer(app, { ...input, asked_at, create: 'all' })
  if (outcome.applied) return outcome.report
  throw outcome.overtaken ? new OfferOvertakenError() : new OfferSuspiciousError(outcome.problem)
}
