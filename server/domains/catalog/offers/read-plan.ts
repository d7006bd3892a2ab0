import { ProviderNotFoundError } from '#server/domains/providers/errors.ts'
import { statement } from '#server/platform/db/database.ts'
import { sortOffer } from '../plan-import.ts'
import { readPricing } from '../pricing.ts'
import { selectServicesOf } from '../queries.ts'
import { judgeOffer } from '../refresh/judge-offer.ts'
import { selectRefresh } from '../refresh/queries.ts'
import type { CatalogApp } from '../service.ts'
import type { KeptOffer } from './kept-offer.ts'
import { type PlannedService, planOffer } from './plan-offer.ts'

/** A kept list beside the catalogue as it stands. */
export interface OfferPlan {
  services: PlannedService[]
  unreadable: number
  /** Why the list may be half an answer; undefined: it looks right. */
  suspicion: string | undefined
  /** What the provider bills in, and its decimal digits. */
  currency: string
  scale: number
}

const currencyOf = statement(`
  select provider.currency, asset.scale::int as scale
  from providers.provider join ledger.asset on asset.code = provider.currency where provider.id = $1`)

/** Holds a kept list against our services and the pricing of this moment; nothing is changed. Throws ProviderNotFoundError. */
export async function readPlan(app: CatalogApp, offer: KeptOffer): Promise<OfferPlan> {
  const { provider_id } = offer
  const [billed] = await app.db.query<{ currency: string; scale: number }>(currencyOf, [provider_id])
  if (!billed) throw new ProviderNotFoundError(provider_id)
  const source = { provider_id, asset: billed.currency }
  const [current, pricing, refresh] = await Promise.all([
    selectServicesOf(app.db, provider_id),
    readPricing(app.db, app),
    selectRefresh(app.db, provider_id),
  ])
  const sorted = sortOffer(offer)
  const { offered, unreadable } = sorted
  const listed = offer.services.length
  const suspicion = judgeOffer({ current, offered, listed, listed_before: refresh?.listed ?? null })
  return { ...billed, suspicion, unreadable, services: planOffer(current, offer, sorted, source, pricing) }
}
