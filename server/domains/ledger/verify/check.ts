/** A row that is not as it must be. Ids and values as texts. */
export interface Problem {
  table: string
  id: string
  what: string
  expected: string
  found: string
}

/** Reads the snapshot that all checks of one proof share. */
export interface Snapshot {
  query<Row extends object>(sql: string, values?: readonly unknown[]): Promise<Row[]>
}

/** One thing to prove. Answers what is wrong, the first first, PROBLEMS_MAX at the most. */
export interface Check {
  /** For those who wait: "balances of accounts". */
  readonly name: string
  run(snapshot: Snapshot): Promise<Problem[]>
}

/** A damaged ledger has one cause and thousands of symptoms; the first ones lead to it. */
export const PROBLEMS_MAX = 10

/** A check of one statement whose rows are the problems; `limit ${PROBLEMS_MAX}` is for the statement to say. */
export function checkOf(name: string, sql: string): Check {
  return { name, run: (snapshot) => snapshot.query<Problem>(sql) }
}

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
