import { AMOUNT_MAX } from '#server/kit/money.ts'

const DIGITS = /^[1-9]\d{0,18}$/

/** The id that a text spells, in the one spelling it has: digits without sign or leading zero, within PostgreSQL's bigint. Undefined otherwise. */
export function parseId(text: string): bigint | undefined {
  if (!DIGITS.test(text)) return undefined
  const id = BigInt(text)
  return id <= AMOUNT_MAX ? id : undefined
}

/** No service has this id. */
const NO_SERVICE = 0n

/** The id of a service that a text spells, blanks around it aside; where it spells none, one that no service has, so that placing says what it says of any unknown service. */
export function parseServiceId(text: string): bigint {
  return parseId(text.trim()) ?? NO_SERVICE
}
