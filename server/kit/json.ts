/**
 * JSON that keeps bigint: `12n` is written as {"$bigint":"12"} and read back as `12n`. Dates become ISO texts and stay texts.
 * For what we store and read ourselves; doors to the outside spell amounts as plain strings.
 */

const TAG = '$bigint'
const DIGITS = /^-?\d{1,1000}$/

/** The value as JSON. Undefined is written as null, as inside an array. Throws TypeError for a circular value. */
export function encodeJson(value: unknown): string {
  return JSON.stringify(value, tagged) ?? 'null'
}

/** Reads what `encodeJson` wrote. Throws SyntaxError when it is no JSON. */
export function decodeJson(text: string): unknown {
  const value: unknown = JSON.parse(text)
  return text.includes(TAG) ? restoreBigints(value) : value
}

/** The value with each tagged bigint restored, in place, for JSON that was parsed by another. */
export function restoreBigints(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) value[i] = restoreBigints(value[i])
    return value
  }
  const fields = value as Record<string, unknown>
  const names = Object.keys(fields)
  const only = names.length === 1 && names[0] === TAG ? fields[TAG] : undefined
  if (typeof only === 'string' && DIGITS.test(only)) return BigInt(only)
  for (const name of names) {
    const field = fields[name]
    if (typeof field === 'object' && field !== null) fields[name] = restoreBigints(field)
  }
  return value
}

function tagged(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? { [TAG]: value.toString() } : value
}
