import { amountOf, type Fields, own, textOf, wholeOf } from './json.ts'

/** The asset of a provider's figures. */
export interface Money {
  currency: string
  scale: number
}

/** The currency's code as the answer gives it, in capitals. */
export function currencyOf(fields: Fields): string | undefined {
  return textOf(own(fields, 'currency'))?.toUpperCase().slice(0, 12)
}

/** The net charge; undefined when not given, not readable, below zero, or in another currency than the provider's. */
export function chargeOf(fields: Fields, money: Money): bigint | undefined {
  const currency = currencyOf(fields)
  if (currency !== undefined && currency !== money.currency) return undefined
  const charge = amountOf(own(fields, 'charge'), money.scale)
  return charge === undefined || charge < 0n ? undefined : charge
}

/** What remains to be delivered; below zero when more was delivered than ordered, which some panels write as "+5". */
export function remainsOf(fields: Fields): bigint | undefined {
  const value = own(fields, 'remains')
  const remains = wholeOf(value)
  return remains !== undefined && textOf(value)?.startsWith('+') ? -remains : remains
}

/** The counter at the start, under either of its names. */
export function startCountOf(fields: Fields): bigint | undefined {
  return wholeOf(own(fields, 'start_count')) ?? wholeOf(own(fields, 'start_counter'))
}
