import type { SortedOffer } from '../plan-import.ts'
import type { Service } from '../service.ts'

/** With fewer services than this, most of them going at once is no sign that something is wrong with the list. */
const MANY = 10

/** What a list is judged by. */
export interface Judged {
  /** The provider's services as they stand. */
  current: readonly Service[]
  /** What of the list can be sold. */
  offered: SortedOffer['offered']
  /** Services in this list, and in the one that was applied last; null when there was none. */
  listed: number
  listed_before: number | null
}

/**
 * Why a provider's list is not to be trusted, in words for staff; undefined when it may be. A list that comes empty, or with less than half of what it had, or without
 * more than half of what we sell, or with more than half of our costs fallen below half, is far more often half an answer or a mistake than the truth. Pure.
 */
export function judgeOffer({ current, offered, listed, listed_before }: Judged): string | undefined {
  const on_offer = current.filter((service) => service.offer_gap === null).length
  if (on_offer === 0) return undefined
  if (listed === 0) return 'The list is empty.'
  if (listed_before !== null && listed * 2 < listed_before) {
    return `The list has ${listed} services, where it had ${listed_before}.`
  }
  if (on_offer < MANY) return undefined
  const gone = current.filter(
    (service) => service.offer_gap === null && !offered.has(service.provider_service_id),
  ).length
  if (gone * 2 > on_offer) return `The list lacks ${gone} of our ${on_offer} services, or has them unreadable.`
  const fallen = current.filter((service) => {
    const found = offered.get(service.provider_service_id)
    return found !== undefined && found.cost * 2n < service.cost
  }).length
  if (fallen * 2 > on_offer) return `The costs of ${fallen} of our ${on_offer} services have fallen by more than half.`
  return undefined
}
