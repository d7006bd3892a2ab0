import { parseAmount } from '#server/kit/money.ts'

/** An object of an answer. Panels send anything as a field, so each is read by what it should be. */
export type Fields = Readonly<Record<string, unknown>>

/**
 * The value of a JSON text, each number as its own text: panels send amounts and ids that a floating-point number would change.
 * Undefined when the text is no JSON. The parser's own error is dropped, for it quotes the text.
 */
export function readJson(text: string): unknown {
  try {
    return JSON.parse(text, (_name, value: unknown, context?: { source?: string }) =>
      typeof value === 'number' ? context?.source : value,
    )
  } catch {
    return undefined
  }
}

/** The value as an object with fields; undefined for all else, lists too. */
export function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined
}

/** A field of its own: what every object inherits, such as `constructor`, is none. */
export function own(fields: Fields, name: string): unknown {
  return Object.hasOwn(fields, name) ? fields[name] : undefined
}

/** A text or a number as text, trimmed; undefined when there is none. */
export function textOf(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined
  const text = value.trim()
  return text === '' ? undefined : text
}

/** Minor units of `scale` digits. */
export function amountOf(value: unknown, scale: number): bigint | undefined {
  const decimal = plainDecimal(textOf(value) ?? '')
  return decimal === undefined ? undefined : parseAmount(decimal, scale)
}

/** A whole number; 157, "157", "157.00" and "1e3" are, "157.5" and "Unknown" are not. */
export function wholeOf(value: unknown): bigint | undefined {
  const decimal = plainDecimal(textOf(value) ?? '')
  if (decimal === undefined || !/^[^.]*(\.0*)?$/.test(decimal)) return undefined
  return parseAmount(decimal, 0)
}

/** true, 1, "1", "yes", "true" and "on", in any case. */
export function flagOf(value: unknown): boolean {
  return value === true || /^(1|yes|true|on)$/i.test(textOf(value) ?? '')
}

const DECIMAL = /^([+-]?)(\d{0,30})(?:\.(\d{0,60}))?(?:[eE]([+-]?\d{1,2}))?$/

/** Writes 1e-5 and .5 as 0.00001 and 0.5. Digits of no amount we keep are cut. Undefined when the text is no number. */
function plainDecimal(text: string): string | undefined {
  const match = DECIMAL.exec(text)
  if (!match) return undefined
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match
  if (whole === '' && fraction === '') return undefined
  const shift = Number(exponent)
  const digits = `${'0'.repeat(Math.max(0, -shift))}${whole}${fraction}${'0'.repeat(Math.max(0, shift))}`
  const point = whole.length + shift + Math.max(0, -shift)
  const before = digits.slice(0, point).replace(/^0+(?=\d)/, '')
  return `${sign}${before === '' ? '0' : before}.${digits.slice(point).slice(0, 30)}`
}
