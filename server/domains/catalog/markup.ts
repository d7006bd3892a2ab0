import { invariant } from '#server/kit/invariant.ts'

/** How a rate comes out of a cost: cost + percent of the cost + a fixed amount, never less than cost + minimum margin, rounded up to a step. */
export interface MarkupRule {
  /** Hundredths of a percent on top of the cost: 2500n is 25 %. */
  percent_bp: bigint
  /** Micro-USD on top, per 1000 or package. */
  fixed: bigint
  /** The least that the rate exceeds the cost by. Micro-USD per 1000 or package. */
  minimum_margin: bigint
  /** Rates are whole multiples of it: micro-USD, itself a multiple of RATE_STEP. */
  step: bigint
}

/** The asset that a provider bills in, and what it is worth. */
export interface CostCurrency {
  asset: string
  /** Decimal digits of its minor unit. */
  scale: number
  /** For one whole unit of the asset, in 10^-12 USD: currencies of which thousands make a dollar keep nine digits. */
  usd_per_unit: bigint
}

/** Decimal digits of `usd_per_unit`. */
export const EXCHANGE_SCALE = 12

export const USD_COST: CostCurrency = { asset: 'USD', scale: 6, usd_per_unit: 10n ** BigInt(EXCHANGE_SCALE) }

/** Rates end at four decimals of the dollar at least: 100 micro-USD. Lists in panels show no more. */
export const RATE_STEP = 100n

/** A mark-up above a hundredfold is a slip of the pen. */
export const PERCENT_BP_MAX = 1_000_000n

const BP = 10_000n

/** `usd_per_unit` has this many more parts than a micro-dollar. */
const PER_MICRO = 10n ** BigInt(EXCHANGE_SCALE - 6)

/**
 * The rate in micro-USD that `rule` makes of `cost` minor units. Rounded once, up to the next step: never below the exact figure, above it by less
 * than one step. Every rate of the house that follows from a cost comes from here. Throws InvariantError on a rule or cost below zero, a mark-up above a
 * hundredfold, or a step that is no multiple of RATE_STEP.
 */
export function markUp(cost: bigint, currency: CostCurrency, rule: MarkupRule): bigint {
  invariant(cost >= 0n && currency.usd_per_unit > 0n, 'markUp: cost below zero or currency without worth')
  invariant(rule.percent_bp >= 0n && rule.fixed >= 0n && rule.minimum_margin >= 0n, 'markUp: rule below zero')
  invariant(rule.percent_bp <= PERCENT_BP_MAX, 'markUp: percent_bp above a hundredfold')
  invariant(rule.step > 0n && rule.step % RATE_STEP === 0n, 'markUp: step is no multiple of RATE_STEP')
  // All in units of 1 ÷ unit micro-USD, so that nothing is rounded before the end.
  const unit = unitOf(currency) * BP
  const exact_cost = cost * currency.usd_per_unit
  const marked = exact_cost * (BP + rule.percent_bp) + rule.fixed * unit
  const floor = exact_cost * BP + rule.minimum_margin * unit
  return ceilDivide(marked > floor ? marked : floor, unit * rule.step) * rule.step
}

/** `cost` minor units of `currency` in micro-USD, rounded up. */
export function costInUsd(cost: bigint, currency: CostCurrency): bigint {
  return ceilDivide(cost * currency.usd_per_unit, unitOf(currency))
}

/** How many parts of a minor unit's worth in 10^-12 USD make a micro-dollar. */
function unitOf(currency: CostCurrency): bigint {
  return 10n ** BigInt(currency.scale) * PER_MICRO
}

function ceilDivide(numerator: bigint, denominator: bigint): bigint {
  return (numerator + denominator - 1n) / denominator
}
