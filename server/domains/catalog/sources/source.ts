import { isPackage } from '#server/domains/providers/order-types.ts'
import { QUANTITY_MAX, RATE_MAX, type Service } from '../service.ts'

/** How one of several sources is chosen: the first, the cheapest of those that do well, or each as often as its weight says. */
export const STRATEGIES = ['fixed', 'cheapest', 'weighted'] as const
export type Strategy = (typeof STRATEGIES)[number]

/** More are no safety, only a long list to keep. */
export const SOURCES_MAX = 20

/** A week; what is to get no orders for longer is switched off. */
export const QUARANTINE_HOURS_MAX = 168

export const PRIORITY_MAX = 1_000
export const WEIGHT_MAX = 1_000

/** Where a service is bought: a row of the catalogue, which follows its provider's offer. */
export interface Source {
  service: Service
  /** The lower goes first. */
  priority: number
  weight: number
  enabled: boolean
  /** It placed most of what it was sent lately. */
  healthy: boolean
}

/** What a service is bought from. */
export interface Sourcing {
  strategy: Strategy
  /** By priority; the service itself among them. */
  sources: readonly Source[]
}

/** What gets no orders for a while. From `until` on one order goes ahead as a trial. */
export interface Quarantine {
  /** The row of the catalogue, and what it is at its provider. */
  service_id: bigint
  provider_id: bigint
  provider_service_id: string
  since: Date
  until: Date
  reason: string
  user_id: bigint | null
}

/** Whether an order at `rate`, micro-USD per 1000 or package, could be bought there without a loss, as the provider's list and the exchange rates say. */
export function sells({ service, enabled }: Source, rate: bigint): boolean {
  return enabled && service.offer_gap === null && service.cost_usd !== null && service.cost_usd <= rate
}

/** Whether the provider's limits admit the quantity. A package is one, whatever they say. */
export function admits({ service }: Source, quantity: bigint): boolean {
  if (isPackage(service.type)) return true
  const { min, max } = offeredLimits(service)
  return min <= quantity && quantity <= max
}

/**
 * The service as it is sold when it has several sources: as long as one of them can be used without a loss, whatever became of its own offer, and within what they serve
 * together without a gap, from the first on. The rate stays its own. What staff took out stays out.
 */
export function soldThrough(service: Service, { sources }: Sourcing): Service {
  const range = rangeOf(
    service,
    sources.filter((source) => sells(source, service.rate)),
  )
  if (range && !service.staff_off && service.rate < RATE_MAX) {
    return { ...service, ...range, active: true, deactivated_reason: null }
  }
  return { ...service, active: false, deactivated_reason: service.deactivated_reason ?? 'staff' }
}

interface Limits {
  min: bigint
  max: bigint
}

function rangeOf(service: Service, [first, ...others]: readonly Source[]): Limits | undefined {
  if (!first) return undefined
  if (isPackage(service.type)) return { min: service.min, max: service.max }
  const served = { ...offeredLimits(first.service) }
  for (let grew = true; grew; ) {
    grew = false
    for (const other of others) {
      const { min, max } = offeredLimits(other.service)
      if (min > served.max + 1n || max < served.min - 1n) continue
      if (min >= served.min && max <= served.max) continue
      served.min = min < served.min ? min : served.min
      served.max = max > served.max ? max : served.max
      grew = true
    }
  }
  const { staff_min, staff_max } = service
  const min = staff_min !== null && staff_min > served.min ? staff_min : served.min
  const max = staff_max !== null && staff_max < served.max ? staff_max : served.max
  return min <= max ? { min, max } : undefined
}

/** The provider's, before staff narrowed them for what is sold under this row's own name. */
function offeredLimits({ offered_min, offered_max, min, max }: Service): Limits {
  const limits = { min: offered_min ?? min, max: offered_max ?? max }
  return { min: limits.min, max: limits.max > QUANTITY_MAX ? QUANTITY_MAX : limits.max }
}
