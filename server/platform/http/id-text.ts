import { z } from 'zod'

/** The id of a row as paths, queries and bodies have it: a whole number above zero that a bigint of the database holds. `message` says what it must be. */
export function idText(message = 'must be a number') {
  return z.string().regex(/^[1-9]\d{0,17}$/, message)
}
