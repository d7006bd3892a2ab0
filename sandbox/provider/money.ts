import { chargeFor, formatAmount, parseAmount } from '#server/kit/money.ts'
import { countedOf, type ServiceType } from './service-types.ts'

/** The panel keeps micro-units of its currency. */
const SCALE = 6

/** Panels show at least two decimals. */
const DECIMALS_MIN = 2

/** Reads a decimal as micro-units; undefined when the text is no decimal or too large. */
export function readAmount(text: string): bigint | undefined {
  return parseAmount(text, SCALE)
}

/** Writes micro-units as the panels do: 900000n is "0.90". */
export function showAmount(micro: bigint): string {
  return formatAmount(micro, SCALE, DECIMALS_MIN)
}

/** What `quantity` units cost at `rate` micro-units per 1000, or per package. Rounded up to the next micro-unit. */
export function priceOf(type: ServiceType, rate: bigint, quantity: number): bigint {
  return countedOf(type) === 'package' ? rate * BigInt(quantity) : chargeFor(rate, BigInt(quantity))
}
