import { invariant } from '#server/kit/invariant.ts'
import { RATE_STEP } from '../markup.ts'
import type { Service } from '../service.ts'
import type { Routing } from '../snapshot.ts'
import { sells } from '../sources/source.ts'

/** What a plan says of a service or a category: a rate in micro-USD per 1000 or package, or hundredths of a percent off the list. */
export type PlanPrice = { readonly rate: bigint } | { readonly discount_bp: bigint }

/** A term of a plan, and what it is about: one service, or one of our categories. */
export type PlanTerm = PlanPrice & ({ readonly service_id: bigint } | { readonly category: string })

/** What a plan consists of. */
export interface PlanTerms {
  name: string
  /** Off the list, where no term says otherwise. */
  discount_bp: bigint
  /** Whether its rates may be below the least margin of the mark-up rules; never below the cost. */
  below_margin: boolean
  terms: readonly PlanTerm[]
}

/** A plan as it is stored. */
export interface PricePlan extends PlanTerms {
  id: bigint
  version: bigint
  updated_at: Date
}

/** More would be a catalogue of its own. */
export const PLAN_TERMS_MAX = 1_000

/** The whole. */
export const DISCOUNT_BP_MAX = 10_000n

/** What a service costs someone: `limited` when the plan would have it for less than may be. */
export interface PlanRate {
  rate: bigint
  limited: boolean
}

type Priced = Pick<Service, 'id' | 'category' | 'rate' | 'cost_usd'>

/** The rate of a service under one plan, where the mark-up rules want at least `minimum_margin`. */
export type FindPlanRate = (service: Priced, minimum_margin: bigint) => PlanRate

/**
 * The rate of a service under a plan, in micro-USD: what its term for the service says, or that for its category, or its discount, rounded up to RATE_STEP. It is
 * never below the cost with the least margin (or the cost alone, where the plan may do without margin), unless the list itself is: a floor makes nothing dearer than the list. Pure.
 */
export function findPlanRate(plan: Omit<PlanTerms, 'name'>): FindPlanRate {
  const by_service = new Map<bigint, PlanPrice>()
  const by_category = new Map<string, PlanPrice>()
  for (const term of plan.terms) {
    if ('service_id' in term) by_service.set(term.service_id, term)
    else by_category.set(term.category, term)
  }
  return (service, minimum_margin) => {
    const price = by_service.get(service.id) ?? by_category.get(service.category) ?? plan
    const wanted = 'rate' in price ? price.rate : discounted(service.rate, price.discount_bp)
    const floor = (service.cost_usd ?? service.rate) + (plan.below_margin ? 0n : minimum_margin)
    const least = smaller(upToStep(floor), service.rate)
    return wanted < least ? { rate: least, limited: true } : { rate: wanted, limited: false }
  }
}

/**
 * The service at the cost of the dearest source that it can be bought from for the rate of the list: so that a plan leaves it every source, and all that they serve together. Pure.
 */
export function dearest(service: Priced, { sourcings }: Pick<Routing, 'sourcings'>): Priced {
  const costs = sourcings
    .get(service.id)
    ?.sources.filter((source) => sells(source, service.rate))
    .map((source) => source.service.cost_usd ?? 0n)
  if (costs === undefined || costs.length === 0) return service
  return { ...service, cost_usd: costs.reduce((most, cost) => (cost > most ? cost : most)) }
}

function discounted(rate: bigint, discount_bp: bigint): bigint {
  invariant(discount_bp >= 0n && discount_bp <= DISCOUNT_BP_MAX, 'a discount is between nothing and all')
  if (discount_bp === 0n) return rate
  const exact = rate * (DISCOUNT_BP_MAX - discount_bp)
  return smaller(upToStep((exact + DISCOUNT_BP_MAX - 1n) / DISCOUNT_BP_MAX), rate)
}

/** The next multiple of RATE_STEP: lists in panels show no more. */
function upToStep(amount: bigint): bigint {
  return ((amount + RATE_STEP - 1n) / RATE_STEP) * RATE_STEP
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}
