/** A number mixed from 64 bits of another, as SQL. */
export const mixed = (value: string): string => `hashint8extended(0, ${value})`

/**
 * A number that stands for an account's state, as SQL: of two states that differ the numbers differ, but for a chance of one in 2^64. Sums of
 * them compare sets of rows without sorting.
 */
export const stateNumber = (version: string, posted: string, held: string): string =>
  mixed(`(${version}) # ${mixed(`(${posted}) # ${mixed(held)}`)}`)

/** The same for the place of a movement among an account's lines. */
export const placeNumber = (version: string, movement: string): string => mixed(`(${version}) # ${mixed(movement)}`)
