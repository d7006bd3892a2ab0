import { AMOUNT_MAX } from '#server/kit/money.ts'

const DIGITS = /^[1-9]\d{0,18}$/

/** The id that a text spells, in the one spelling it has: digits without sign or leading zero, within PostgreSQL's bigint. Undefined otherwise. */
export function parseId(text: string): bigint | undefined {
  if (!DIGITS.test(text)) return undefined
  const id = BigInt(text)
  return id <= AMOUNT_MAX ? id : undefined
}
