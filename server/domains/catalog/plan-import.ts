import type { OrderType, ProviderService } from '#server/domains/providers/provider.ts'
import type { CostCurrency, MarkupRule } from './markup.ts'
import { isServiceId, type Offered, readOffer } from './offer.ts'
import { type OfferGap, type Service, termsOf } from './service.ts'

/** What an import did. A service counts once: `deactivated` when it was sold before and is not now, `updated` for any other change. */
export interface ImportReport {
  created: number
  updated: number
  unchanged: number
  deactivated: number
  /** Rows of a type that Saldo does not sell. */
  skipped: number
  /** Rows that make no sense, or repeat an id. */
  unreadable: number
}

/** What is to be written for an import, and its report. */
export interface ImportPlan {
  create: Offered[]
  /** Services as they shall stand. */
  change: Service[]
  report: ImportReport
}

/** What a provider offers: the answer of `Provider.services`. */
export interface Offer {
  services: readonly ProviderService[]
  unreadable: number
}

/** Decides what an import writes, from the provider's services as they stand and its offer. Pure. Of two rows with one id the first counts. */
export function planImport(
  current: readonly Service[],
  offer: Offer,
  currency: CostCurrency,
  markup: MarkupRule,
): ImportPlan {
  const { offered, gaps, skipped, unreadable } = sortOffer(offer, currency, markup)
  const report: ImportReport = { created: 0, updated: 0, unchanged: 0, deactivated: 0, skipped, unreadable }
  const change: Service[] = []
  for (const service of current) {
    const found = offered.get(service.provider_service_id)
    offered.delete(service.provider_service_id)
    const next = found
      ? follow(service, found, currency.asset)
      : withTerms({ ...service, offer_gap: gaps.get(service.provider_service_id) ?? 'vanished' })
    if (isSame(service, next)) {
      if (found) report.unchanged += 1
      continue
    }
    change.push(next)
    report[service.active && !next.active ? 'deactivated' : 'updated'] += 1
  }
  report.created = offered.size
  return { create: [...offered.values()], change, report }
}

function sortOffer(offer: Offer, currency: CostCurrency, markup: MarkupRule) {
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
      const read = readOffer(row, currency, markup)
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

function follow(service: Service, offered: Offered, asset: string): Service {
  const { rate, min, max, ...rest } = offered
  return withTerms({
    ...service,
    ...rest,
    cost_asset: asset,
    offered_rate: rate,
    offered_min: min,
    offered_max: max,
    offer_gap: null,
  })
}

function withTerms(service: Service): Service {
  return { ...service, ...termsOf(service) }
}

function isSame(a: Service, b: Service): boolean {
  return (Object.keys(b) as (keyof Service)[]).every((key) => a[key] === b[key])
}
