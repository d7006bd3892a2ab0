import { parseAmount } from '#server/kit/money.ts'

/** What is wrong with a field of a row. */
export class FieldError extends Error {
  override name = 'FieldError'
  readonly field: string
  constructor(field: string, problem: string) {
    super(`${field}: ${problem}`)
    this.field = field
  }
}

type Fields = Readonly<Record<string, string>>

/** What databases write for no value. */
const NOTHING = new Set(['', 'NULL', '\\N'])

/** A text; undefined where there is none. FieldError beyond `chars_max`, and for what cannot be stored. */
export function optionalText(fields: Fields, name: string, chars_max: number): string | undefined {
  const text = fields[name]?.trim() ?? ''
  if (NOTHING.has(text)) return undefined
  if ([...text].length > chars_max) throw new FieldError(name, `longer than ${chars_max} characters`)
  if (text.includes('\0') || !text.isWellFormed()) throw new FieldError(name, 'has characters that are none')
  return text
}

/** A text that must be there. FieldError. */
export function textOf(fields: Fields, name: string, chars_max: number): string {
  const text = optionalText(fields, name, chars_max)
  if (text === undefined) throw new FieldError(name, 'is missing')
  return text
}

/** Resellers read the numbers of services and orders from JSON, and round what is beyond. */
const ID_MAX = BigInt(Number.MAX_SAFE_INTEGER)

/** A row's number, above zero. FieldError beyond 2^53 - 1 too. */
export function idOf(fields: Fields, name: string): bigint {
  const text = textOf(fields, name, 40)
  if (!/^[1-9]\d*$/.test(text)) throw new FieldError(name, `"${text}" is no number of a row`)
  const id = BigInt(text)
  if (id > ID_MAX) throw new FieldError(name, `"${text}" is beyond ${ID_MAX}, where programs round`)
  return id
}

/** The highest number of these rows, those left out that have none; zero without any. */
export function highestId(rows: Iterable<{ fields: Fields }>): bigint {
  let highest = 0n
  for (const { fields } of rows) {
    try {
      const id = idOf(fields, 'id')
      if (id > highest) highest = id
    } catch (error) {
      // Its row is refused when it is read.
      if (!(error instanceof FieldError)) throw error
    }
  }
  return highest
}

/** A whole number, which may be below zero; undefined where there is none. FieldError. */
export function optionalWhole(fields: Fields, name: string): bigint | undefined {
  const text = optionalText(fields, name, 30)
  if (text === undefined) return undefined
  if (!/^-?\d{1,18}(\.0+)?$/.test(text)) throw new FieldError(name, `"${text}" is no whole number`)
  return BigInt(text.split('.')[0] as string)
}

/** An amount in minor units of an asset with `scale` decimal digits, which may be below zero; more digits are rounded. FieldError. */
export function optionalAmount(fields: Fields, name: string, scale: number): bigint | undefined {
  const text = optionalText(fields, name, 60)
  if (text === undefined) return undefined
  const amount = parseAmount(text, scale)
  if (amount === undefined) throw new FieldError(name, `"${text}" is no amount`)
  return amount
}

/** An amount that must be there. FieldError. */
export function amountOf(fields: Fields, name: string, scale: number): bigint {
  const amount = optionalAmount(fields, name, scale)
  if (amount === undefined) throw new FieldError(name, 'is missing')
  return amount
}

/** A moment before `now`: ISO 8601, or as databases write it, then in UTC. Undefined where there is none. FieldError. */
export function optionalMoment(fields: Fields, name: string, now: Date): Date | undefined {
  const text = optionalText(fields, name, 40)
  if (text === undefined) return undefined
  const iso = text.replace(' ', 'T').replace(/(:\d\d(?:\.\d+)?[+-]\d\d)$/, '$1:00')
  // A day alone is midnight UTC already.
  const has_zone = !iso.includes('T') || /[zZ]$|[+-]\d\d:?\d\d$/.test(iso)
  const at = new Date(has_zone ? iso : `${iso}Z`)
  if (Number.isNaN(at.getTime()) || at > now) throw new FieldError(name, `"${text}" is no moment of the past`)
  return at
}

/** A yes or no, as databases write it; no where there is none. FieldError. */
export function isYes(fields: Fields, name: string): boolean {
  const text = (optionalText(fields, name, 10) ?? 'no').toLowerCase()
  if (['1', 't', 'true', 'yes', 'y', 'active', 'enabled'].includes(text)) return true
  if (['0', 'f', 'false', 'no', 'n', 'inactive', 'disabled'].includes(text)) return false
  throw new FieldError(name, `"${text}" is neither yes nor no`)
}
