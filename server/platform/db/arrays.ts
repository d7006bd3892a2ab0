/**
 * PostgreSQL array literals for `unnest($1::bigint[])`. The driver's own conversion quotes every element and costs
 * several times as much; these are for the set-based verbs, which send thousands of elements a statement.
 */

/** Numbers, bigints, booleans or UUIDs: texts that need no quoting. Null and undefined become NULL. */
export function plainArray(values: readonly (bigint | number | boolean | string | null | undefined)[]): string {
  let out = '{'
  for (let i = 0; i < values.length; i++) {
    const value = values[i]
    out += i === 0 ? '' : ','
    out += value === null || value === undefined ? 'NULL' : value
  }
  return `${out}}`
}

const NEEDS_ESCAPE = /["\\]/g

/** Any texts, quoted and escaped. Null and undefined become NULL. */
export function textArray(values: readonly (string | null | undefined)[]): string {
  let out = '{'
  for (let i = 0; i < values.length; i++) {
    const value = values[i]
    out += i === 0 ? '' : ','
    out += value === null || value === undefined ? 'NULL' : `"${value.replace(NEEDS_ESCAPE, '\\$&')}"`
  }
  return `${out}}`
}

/** JSON values as jsonb[]; null and undefined become SQL NULL. */
export function jsonArray(values: readonly unknown[]): string {
  return textArray(values.map((value) => (value === null || value === undefined ? null : JSON.stringify(value))))
}

/** Dates as timestamptz[]. */
export function dateArray(values: readonly (Date | null | undefined)[]): string {
  return plainArray(values.map((value) => value?.toISOString()))
}
