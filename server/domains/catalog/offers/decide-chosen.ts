import type { Offered } from '../offer.ts'
import { follow, type NewService, type SortedOffer, type Source } from '../plan-import.ts'
import { priceOffer, priceService } from '../price-service.ts'
import type { Pricing } from '../pricing.ts'
import { type OfferGap, RATE_MAX, type Service } from '../service.ts'
import { changesAmong, type ServiceChange } from '../write-services.ts'

/** A service of a provider's list that someone takes, and how it is to be sold. */
export interface ChosenService {
  provider_service_id: string
  /** Our category from now on; undefined: as it is, or the provider's. */
  category?: string | undefined
  /** Micro-USD per 1000 or package, in place of what the mark-up makes of the cost; undefined: as it is. */
  rate?: bigint | undefined
}

export interface ChosenRefusal {
  code: 'not_on_offer' | 'chosen_twice' | OfferGap | 'no_exchange_rate' | 'rate_below_cost' | 'rate_out_of_range'
  message: string
}

/** What becomes of a chosen service. `rate`: what it is sold at then. */
export type Decided =
  | { kind: 'create'; create: NewService; rate: bigint }
  | { kind: 'change'; change: ServiceChange; rate: bigint }
  | { kind: 'keep'; rate: bigint }
  | { kind: 'refuse'; refusal: ChosenRefusal }

interface Ground {
  /** The provider's services as they stand, by the provider's id. */
  current: ReadonlyMap<string, Service>
  sorted: SortedOffer
  source: Source
  pricing: Pricing
}

/** Decides what becomes of chosen services, each for itself: one that is chosen twice is taken as it was named first. Pure. */
export function decideChosen(services: readonly ChosenService[], ground: Ground): Decided[] {
  const seen = new Set<string>()
  return services.map((chosen) => {
    const id = chosen.provider_service_id
    if (seen.has(id)) return refuse('chosen_twice', `Service ${id} was named before.`)
    seen.add(id)
    const offered = ground.sorted.offered.get(id)
    if (!offered) return notOffered(id, ground)
    return decide(chosen, offered, ground)
  })
}

function notOffered(id: string, { sorted }: Ground): Decided {
  switch (sorted.gaps.get(id)) {
    case 'type_not_sold':
      return refuse('type_not_sold', 'Its type is not sold here.')
    case 'unreadable':
      return refuse('unreadable', 'The provider lists it in a way that makes no sense.')
    default:
      return refuse('not_on_offer', `The list has no service ${id}.`)
  }
}

function decide(chosen: ChosenService, offered: Offered, { current, source, pricing }: Ground): Decided {
  const before = current.get(offered.provider_service_id)
  const staff_category = chosen.category ?? before?.staff_category ?? null
  const staff_rate = chosen.rate ?? before?.staff_rate ?? null
  const { provider_id, asset: cost_asset } = source
  const category = staff_category ?? offered.category
  const costing = { category, provider_id, cost: offered.cost, cost_asset, ...(before && { id: before.id }) }
  const price = priceOffer(costing, pricing)
  if (!price) return refuse('no_exchange_rate', `No exchange rate of ${cost_asset} is fresh.`)
  const rate = staff_rate ?? price.rate
  if (rate >= RATE_MAX) return refuse('rate_out_of_range', 'The rate is beyond all reason.')
  if (rate < price.cost_usd) return refuse('rate_below_cost', 'The rate is below the cost.')
  if (!before) return { kind: 'create', create: { ...offered, ...price, category, staff_rate, staff_category }, rate }
  const after = priceService(follow({ ...before, staff_category, staff_rate }, offered, cost_asset), pricing)
  const [change] = changesAmong([{ before, after }])
  return change ? { kind: 'change', change, rate: after.rate } : { kind: 'keep', rate: after.rate }
}

function refuse(code: ChosenRefusal['code'], message: string): Decided {
  return { kind: 'refuse', refusal: { code, message } }
}
