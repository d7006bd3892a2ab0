import type { Offered } from '../offer.ts'
import { follow, type Offer, type SortedOffer, type Source } from '../plan-import.ts'
import { priceOffer, priceService } from '../price-service.ts'
import type { Pricing } from '../pricing.ts'
import { type DeactivatedReason, RATE_MAX, type Service } from '../service.ts'
import { changesAmong } from '../write-services.ts'

/** What a service on a provider's list, or missing from it, is to us. */
export const OFFER_KINDS = ['new', 'changed', 'unchanged', 'vanished', 'unsellable'] as const
export type OfferKind = (typeof OFFER_KINDS)[number]

/** One service of a provider, as it stands and as taking it in would make it. */
export interface PlannedService {
  /** Its place in the list; what is not in it follows behind by our own number. */
  place: bigint
  kind: OfferKind
  provider_service_id: string
  name: string
  /** The provider's own; of what vanished, ours. */
  category: string
  raw_type: string
  /** Minor units of the provider's asset per 1000, or for one package. */
  cost: bigint
  min: bigint
  max: bigint
  /** Ours as it stands; undefined when we have none. */
  current: Service | undefined
  /** As it would be sold, by the rules of today; undefined when it cannot be. */
  proposed: Pick<Service, 'category' | 'rate' | 'cost_usd'> | undefined
  /** Why it cannot be sold, or would not be. */
  reason: DeactivatedReason | null
}

/**
 * Tells of each service of a provider, whose list comes sorted too, what taking it in would make of it, in the order of the list, and last what is not in it any more. Pure. Rows without a usable id and repeated
 * ones are left out.
 */
export function planOffer(
  current: readonly Service[],
  offer: Offer,
  { offered, gaps }: SortedOffer,
  source: Source,
  pricing: Pricing,
): PlannedService[] {
  const left = new Map(current.map((service) => [service.provider_service_id, service]))
  const seen = new Set<string>()
  const listed = offer.services.flatMap((row, place): PlannedService[] => {
    const id = row.provider_service_id
    const found = offered.get(id)
    const gap = gaps.get(id)
    if (seen.has(id) || !(found || gap)) return []
    seen.add(id)
    const ours = left.get(id)
    left.delete(id)
    const { provider_service_id, name, category, raw_type, rate: cost, min, max } = { ...row, ...found }
    const told = { place: BigInt(place), provider_service_id, name, category, raw_type, cost, min, max, current: ours }
    if (!found) return [{ ...told, kind: 'unsellable', proposed: undefined, reason: gap ?? null }]
    return [{ ...told, ...(ours ? asFollowed(ours, found, source, pricing) : asNew(found, source, pricing)) }]
  })
  const vanished = [...left.values()].map((service): PlannedService => {
    const { provider_service_id, name, category, type: raw_type, cost, min, max } = service
    const ours = { provider_service_id, name, category, raw_type, cost, min, max, current: service }
    const place = BigInt(offer.services.length) + service.id
    return { ...ours, place, kind: 'vanished', proposed: undefined, reason: 'vanished' }
  })
  return [...listed, ...vanished]
}

type Standing = Pick<PlannedService, 'kind' | 'proposed' | 'reason'>

function asNew(offered: Offered, source: Source, pricing: Pricing): Standing {
  const { category, cost } = offered
  const price = priceOffer({ category, provider_id: source.provider_id, cost, cost_asset: source.asset }, pricing)
  if (!price) return { kind: 'unsellable', proposed: undefined, reason: 'no_exchange_rate' }
  const { rate, cost_usd } = price
  if (rate >= RATE_MAX) return { kind: 'unsellable', proposed: undefined, reason: 'rate_out_of_range' }
  return { kind: 'new', proposed: { category, rate, cost_usd }, reason: null }
}

function asFollowed(before: Service, offered: Offered, source: Source, pricing: Pricing): Standing {
  const after = priceService(follow(before, offered, source.asset), pricing)
  const { category, rate, cost_usd, deactivated_reason: reason } = after
  const kind = changesAmong([{ before, after }]).length > 0 ? 'changed' : 'unchanged'
  return { kind, proposed: { category, rate, cost_usd }, reason }
}
