import { costInUsd, markUp } from './markup.ts'
import type { Pricing } from './pricing.ts'
import { RATE_MAX, type Service, termsOf } from './service.ts'

/** What a service is priced from. */
export type Costing = Pick<Service, 'category' | 'provider_id' | 'cost' | 'cost_asset'> & { id?: bigint }

/** What follows: the cost in micro-USD, and the rate that the mark-up makes of it. */
export interface Price {
  cost_usd: bigint
  rate: bigint
}

/**
 * What a service costs and is to be sold at before staff have their say, by the rule that prices it. Undefined where no exchange rate of its
 * currency is fresh enough. Both figures end at RATE_MAX, which is not sold.
 */
export function priceOffer(costing: Costing, pricing: Pricing): Price | undefined {
  const currency = pricing.currencyOf(costing.cost_asset)
  if (!currency) return undefined
  return {
    cost_usd: atMost(costInUsd(costing.cost, currency)),
    rate: atMost(markUp(costing.cost, currency, pricing.findRule(costing))),
  }
}

/** The service as it stands by today's rules and exchange rates. Where the exchange rate is missing its cost is not known, its rate stays, and it is not sold. */
export function priceService(service: Service, pricing: Pricing): Service {
  const price = priceOffer(service, pricing)
  const priced = price
    ? { ...service, cost_usd: price.cost_usd, offered_rate: price.rate }
    : { ...service, cost_usd: null }
  return { ...priced, ...termsOf(priced) }
}

function atMost(amount: bigint): bigint {
  return amount > RATE_MAX ? RATE_MAX : amount
}
