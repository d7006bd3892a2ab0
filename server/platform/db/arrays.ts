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

const INT8_OID = 20
const HEADER_BYTES = 20

/**
 * bigint[] in PostgreSQL's binary form, which costs both sides less than text, for statements of thousands of rows.
 * Null becomes NULL. The driver sends a Buffer as a binary parameter.
 */
export function int8Array(values: readonly (bigint | null)[]): Buffer {
  const buffer = Buffer.allocUnsafe(HEADER_BYTES + 12 * values.length)
  buffer.writeInt32BE(1, 0)
  buffer.writeInt32BE(INT8_OID, 8)
  buffer.writeInt32BE(values.length, 12)
  buffer.writeInt32BE(1, 16)
  let at = HEADER_BYTES
  let nulls = 0
  for (const value of values) {
    if (value === null) {
      buffer.writeInt32BE(-1, at)
      at += 4
      nulls = 1
    } else {
      buffer.writeInt32BE(8, at)
      buffer.writeBigInt64BE(value, at + 4)
      at += 12
    }
  }
  buffer.writeInt32BE(nulls, 4)
  return buffer.subarray(0, at)
}
