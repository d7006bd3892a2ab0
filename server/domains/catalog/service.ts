import type { OrderType } from '#server/domains/providers/order-types.ts'
import type { App } from '#server/platform/app.ts'

/** The mechanisms that the catalogue works with. */
export type CatalogApp = Pick<App, 'db' | 'cache' | 'clock' | 'settings'>

/** The asset that customers are charged in, and every `rate` is in. Its scale is 6. */
export const SALE_ASSET = 'USD'

/** Beyond a million dollars per 1000 it is a slip of the pen. With QUANTITY_MAX it also keeps every charge within a bigint. */
export const RATE_MAX = 1_000_000_000_000n

/** A thousand million; a provider's higher maximum is cut to this. */
export const QUANTITY_MAX = 1_000_000_000n

/** Why a service is not sold: staff took it out, the provider does not offer it, or its price or limits make no sense. */
export const DEACTIVATED_REASONS = [
  'staff',
  'vanished',
  'unreadable',
  'type_not_sold',
  'no_exchange_rate',
  'rate_out_of_range',
  'limits_conflict',
  'below_cost',
] as const
export type DeactivatedReason = (typeof DEACTIVATED_REASONS)[number]

/** Why what the provider offers now cannot be sold: it is gone, makes no sense, or is of a type that Saldo does not sell. */
export type OfferGap = Extract<DeactivatedReason, 'vanished' | 'unreadable' | 'type_not_sold'>

/** What staff may say of a second order for the same link. */
export const DUPLICATE_LINKS = ['allow', 'refuse'] as const
export type DuplicateLinks = (typeof DUPLICATE_LINKS)[number]

/** A service as it stands in the catalogue. */
export interface Service {
  id: bigint
  name: string
  category: string
  description: string | null
  type: OrderType
  /** Micro-USD per 1000, or for one package. */
  rate: bigint
  min: bigint
  max: bigint
  provider_id: bigint
  provider_service_id: string
  /** Minor units of `cost_asset` per 1000, or for one package. */
  cost: bigint
  cost_asset: string
  /** Micro-USD, rounded up. Null while there is no fresh exchange rate of `cost_asset`. */
  cost_usd: bigint | null
  refill: boolean
  cancel: boolean
  dripfeed: boolean
  active: boolean
  deactivated_reason: DeactivatedReason | null
  /** What mark-up and provider's list make of rate and limits, before staff had their say. */
  offered_rate: bigint | null
  offered_min: bigint | null
  offered_max: bigint | null
  offer_gap: OfferGap | null
  staff_rate: bigint | null
  staff_min: bigint | null
  staff_max: bigint | null
  staff_off: boolean
  /** Whether an order for a link is taken while another one of the service for that link is under way. */
  duplicate_links: DuplicateLinks
  /** Our own category; the provider's counts where it is null. */
  staff_category: string | null
  position: number
  version: bigint
}

/** What decides how, and whether, a service is sold. */
export type Standing = Pick<
  Service,
  'offered_rate' | 'offered_min' | 'offered_max' | 'offer_gap' | 'staff_rate' | 'staff_min' | 'staff_max' | 'staff_off'
> &
  Pick<Service, 'rate' | 'min' | 'max' | 'cost_usd'>

/** What follows from it. */
export type Terms = Pick<Service, 'rate' | 'min' | 'max' | 'active' | 'deactivated_reason'>

/**
 * The terms a service is sold at: the offer, narrowed and priced by staff. It is out when staff took it out, when the provider does not offer it, when nobody
 * knows what its cost is worth, when the limits of both leave no quantity, and when the rate is below the cost or beyond RATE_MAX.
 */
export function termsOf(standing: Standing): Terms {
  const offered = {
    rate: standing.offered_rate ?? standing.rate,
    min: standing.offered_min ?? standing.min,
    max: standing.offered_max ?? standing.max,
  }
  const rate = standing.staff_rate ?? offered.rate
  const min = larger(offered.min, standing.staff_min ?? offered.min)
  const max = smaller(offered.max, standing.staff_max ?? offered.max)
  const conflict = min > max
  const deactivated_reason = reasonOf(standing, rate, conflict)
  return {
    rate,
    min: conflict ? offered.min : min,
    max: conflict ? offered.max : max,
    active: deactivated_reason === null,
    deactivated_reason,
  }
}

function reasonOf(standing: Standing, rate: bigint, conflict: boolean): DeactivatedReason | null {
  if (standing.staff_off) return 'staff'
  if (standing.offer_gap) return standing.offer_gap
  if (standing.cost_usd === null) return 'no_exchange_rate'
  if (conflict) return 'limits_conflict'
  if (rate >= RATE_MAX || standing.cost_usd >= RATE_MAX) return 'rate_out_of_range'
  if (rate < standing.cost_usd) return 'below_cost'
  return null
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}
