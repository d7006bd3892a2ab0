import { invariant } from './invariant.ts'

/** PostgreSQL's bigint bounds every amount we store. */
export const AMOUNT_MAX = 2n ** 63n - 1n

const DECIMAL = /^([+-]?)(\d{1,30})(?:\.(\d{0,30}))?$/

/**
 * Reads a decimal such as "0.27819" as minor units of `scale` digits. A sign may stand before it, so "+5" is "5", and white space around it. Digits beyond the scale are rounded half up,
 * away from zero, for outside figures carry more digits than we keep. Undefined when the text is no decimal or exceeds AMOUNT_MAX.
 */
export function parseAmount(text: string, scale: number): bigint | undefined {
  const match = DECIMAL.exec(text.trim())
  if (!match) return undefined
  const fraction = match[3] ?? ''
  const kept = fraction.slice(0, scale).padEnd(scale, '0')
  let minor = BigInt(`${match[2]}${kept}`)
  if ((fraction[scale] ?? '0') >= '5') minor += 1n
  if (minor > AMOUNT_MAX) return undefined
  return match[1] === '-' ? -minor : minor
}

/** Writes minor units as a plain decimal: formatAmount(278190n, 6) is "0.27819". At least `min_digits` decimals stay. */
export function formatAmount(minor: bigint, scale: number, min_digits = 0): string {
  const sign = minor < 0n ? '-' : ''
  const digits = (minor < 0n ? -minor : minor).toString().padStart(scale + 1, '0')
  const whole = digits.slice(0, digits.length - scale)
  let fraction = scale === 0 ? '' : digits.slice(-scale)
  let end = fraction.length
  while (end > min_digits && fraction[end - 1] === '0') end--
  fraction = fraction.slice(0, end)
  return fraction === '' ? `${sign}${whole}` : `${sign}${whole}.${fraction}`
}

/**
 * The one rounding of the house: amount × numerator ÷ denominator, rounded up to the next minor unit, so that what is
 * charged for a share is never below the share and exceeds it by less than one unit. All arguments are at or above zero.
 */
export function shareUp(amount: bigint, numerator: bigint, denominator: bigint): bigint {
  invariant(amount >= 0n && numerator >= 0n && denominator > 0n, 'shareUp: negative amount or empty denominator')
  return (amount * numerator + denominator - 1n) / denominator
}

/** What `quantity` units cost at `rate` minor units per 1000, rounded by `shareUp`. */
export function chargeFor(rate: bigint, quantity: bigint): bigint {
  return shareUp(rate, quantity, 1000n)
}
