import { formatAmount } from '#server/kit/money.ts'

/** Decimal digits of SALE_ASSET. */
export const SALE_SCALE = 6

/** An amount of SALE_ASSET as people and programs outside read it: a plain decimal with at least two decimals, such as "0.27819" or "8.00". */
export function saleAmount(minor: bigint): string {
  return formatAmount(minor, SALE_SCALE, 2)
}
