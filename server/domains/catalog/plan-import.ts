import type { OrderType } from '#server/domains/providers/order-types.ts'
import type { ProviderService } from '#server/domains/providers/provider.ts'
import { isServiceId, type Offered, readOffer } from './offer.ts'
import { type Price, priceOffer, priceService } from './price-service.ts'
import type { Pricing } from './pricing.ts'
import { type OfferGap, RATE_MAX, type Service } from './service.ts'
import { changesAmong, type ServiceChange } from './write-services.ts'

/** What an import did. A service counts once: `deactivated` when it was sold before and is not now, `updated` for any other change. */
export interface ImportReport {
  created: number
  updated: number
  unchanged: number
  deactivated: number
  /** Rows of a type that Saldo does not sell. */
  skipped: number
  /** Rows that make no sense, cost more than anything does, or repeat an id. */
  unreadable: number
}

/** A service that is to be created, and what staff decided of it beforehand. */
export interface NewService extends Offered, Price, Pick<Service, 'staff_rate' | 'staff_category'> {}

/** Which of the services offered and not yet in the catalogue are created. */
export type Chosen = 'all' | 'none'

/** What is to be written for an import, and its report. */
export interface ImportPlan {
  create: NewService[]
  change: ServiceChange[]
  report: ImportReport
}

/** What a provider offers: the answer of `Provider.services`. */
export interface Offer {
  services: readonly ProviderService[]
  unreadable: number
}

/** A provider's list, sorted into what can be sold and why the rest cannot, both by the provider's id. */
export interface SortedOffer {
  offered: ReadonlyMap<string, Offered>
  gaps: ReadonlyMap<string, OfferGap>
  skipped: number
  unreadable: number
}

/** What services are bought from: whose list it is, and what it is priced in. */
export interface Source {
  provider_id: bigint
  asset: string
}

/**
 * Decides what an import writes, from the provider's services as they stand and its offer, sorted. Pure. Nothing is created that cannot be priced.
 */
export function planImport(
  current: readonly Service[],
  { offered, gaps, skipped, unreadable }: SortedOffer,
  source: Source,
  pricing: Pricing,
  chosen: Chosen,
): ImportPlan {
  const report: ImportReport = { created: 0, updated: 0, unchanged: 0, deactivated: 0, skipped, unreadable }
  const change: ServiceChange[] = []
  for (const before of current) {
    const found = offered.get(before.provider_service_id)
    const gap = found ? null : (gaps.get(before.provider_service_id) ?? 'vanished')
    const after = priceService(found ? follow(before, found, source.asset) : { ...before, offer_gap: gap }, pricing)
    const pair = { before, after }
    if (changesAmong([pair]).length === 0) {
      if (found) report.unchanged += 1
      continue
    }
    change.push(pair)
    report[before.active && !after.active ? 'deactivated' : 'updated'] += 1
  }
  const create = planCreation(chosen === 'all' ? withoutOurs(offered, current) : [], source, pricing)
  report.created = create.priced.length
  report.unreadable += create.unreasonable
  return { create: create.priced, change, report }
}

function withoutOurs(offered: SortedOffer['offered'], current: readonly Service[]): Offered[] {
  const ours = new Set(current.map((service) => service.provider_service_id))
  return [...offered.values()].filter((each) => !ours.has(each.provider_service_id))
}

/** Sorts a provider's list. Of two rows with one id the first counts. */
export function sortOffer(offer: Offer): SortedOffer {
  const offered = new Map<string, Offered>()
  const gaps = new Map<string, OfferGap>()
  let { unreadable } = offer
  let skipped = 0
  for (const row of offer.services) {
    const id = row.provider_service_id
    if (!isServiceId(id) || offered.has(id) || gaps.has(id)) {
      unreadable += 1
    } else if (!isSold(row)) {
      skipped += 1
      gaps.set(id, 'type_not_sold')
    } else {
      const read = readOffer(row)
      if (read) {
        offered.set(id, read)
      } else {
        unreadable += 1
        gaps.set(id, 'unreadable')
      }
    }
  }
  return { offered, gaps, skipped, unreadable }
}

function isSold(row: ProviderService): row is ProviderService & { type: OrderType } {
  return row.type !== undefined
}

/** The service as the provider offers it now; priced it is not yet. */
export function follow(service: Service, offered: Offered, asset: string): Service {
  const { min, max, category, ...rest } = offered
  return {
    ...service,
    ...rest,
    category: service.staff_category ?? category,
    cost_asset: asset,
    offered_min: min,
    offered_max: max,
    offer_gap: null,
  }
}

function planCreation(offered: readonly Offered[], { provider_id, asset }: Source, pricing: Pricing) {
  const priced: NewService[] = []
  let unreasonable = 0
  for (const each of offered) {
    const { category, cost } = each
    const price = priceOffer({ category, provider_id, cost, cost_asset: asset }, pricing)
    if (!price) continue
    if (price.rate >= RATE_MAX) unreasonable += 1
    else priced.push({ ...each, ...price, staff_rate: null, staff_category: null })
  }
  return { priced, unreasonable }
}
