import { invariant } from '#server/kit/invariant.ts'

/** How a rate comes out of a cost: cost + percent of the cost + a fixed amount, and never less than cost + minimum margin. */
export interface MarkupRule {
  /** Hundredths of a percent on top of the cost: 2500n is 25 %. */
  percent_bp: bigint
  /** Micro-USD on top, per 1000 or package. */
  fixed: bigint
  /** The least that the rate exceeds the cost by. Micro-USD per 1000 or package. */
  minimum_margin: bigint
}

/** The asset that a provider bills in, and what it is worth. */
export interface CostCurrency {
  asset: string
  /** Decimal digits of its minor unit. */
  scale: number
  /** Micro-USD for one whole unit of the asset. */
  usd_per_unit: bigint
}

export const USD_COST: CostCurrency = { asset: 'USD', scale: 6, usd_per_unit: 1_000_000n }

/** Rates end at four decimals of the dollar: 100 micro-USD. Lists in panels show no more. */
export const RATE_STEP = 100n

const PERCENT_BP_MAX = 1_000_000n
const BP = 10_000n

/**
 * The rate in micro-USD that `rule` makes of `cost` minor units. Rounded once, up to the next RATE_STEP: never below the exact figure, above it
 * by less than one step. Throws InvariantError on a rule or cost below zero, or a mark-up above a hundredfold.
 */
export function markUp(cost: bigint, currency: CostCurrency, rule: MarkupRule): bigint {
  invariant(cost >= 0n && currency.usd_per_unit > 0n, 'markUp: cost below zero or currency without worth')
  invariant(rule.percent_bp >= 0n && rule.fixed >= 0n && rule.minimum_margin >= 0n, 'markUp: rule below zero')
  invariant(rule.percent_bp <= PERCENT_BP_MAX, 'markUp: percent_bp above a hundredfold')
  // All in units of 1 ÷ unit micro-USD, so that nothing is rounded before the end.
  const unit = 10n ** BigInt(currency.scale) * BP
  const exact_cost = cost * currency.usd_per_unit
  const marked = exact_cost * (BP + rule.percent_bp) + rule.fixed * unit
  const floor = exact_cost * BP + rule.minimum_margin * unit
  return ceilDivide(marked > floor ? marked : floor, unit * RATE_STEP) * RATE_STEP
}

/** `cost` minor units of `currency` in micro-USD, rounded up. */
export function costInUsd(cost: bigint, currency: CostCurrency): bigint {
  return ceilDivide(cost * currency.usd_per_unit, 10n ** BigInt(currency.scale))
}

function ceilDivide(numerator: bigint, denominator: bigint): bigint {
  return (numerator + denominator - 1n) / denominator
}
