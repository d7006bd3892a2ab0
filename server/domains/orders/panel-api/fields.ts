import { PARAM_NAMES, PARAMS, type ParamName } from '#server/domains/providers/order-types.ts'

type Kind = 'one' | 'list' | 'lines'

/** The fields of a request that the panels' form knows here; all others are passed over, as panels do. */
const KINDS = {
  key: 'one',
  action: 'one',
  service: 'one',
  link: 'one',
  quantity: 'one',
  runs: 'one',
  interval: 'one',
  request_id: 'one',
  order: 'one',
  order_id: 'one',
  orders: 'list',
  refill: 'one',
  refills: 'list',
} as const satisfies Record<string, Kind>

export type FieldName = keyof typeof KINDS | ParamName

/** A request's fields as texts. */
export interface PanelFields {
  readonly texts: Partial<Record<FieldName, string>>
  /** A field was sent that cannot be read as text, or twice: what was meant is not known, so nothing is done. */
  readonly malformed: boolean
}

const kindOf: ReadonlyMap<string, Kind> = new Map([
  ...Object.entries(KINDS),
  ...PARAM_NAMES.map((name): [string, Kind] => [name, PARAMS[name].kind === 'lines' ? 'lines' : 'one']),
])

/**
 * Reads fields from what a parser of form, JSON or multipart made. Numbers become their digits; lists come as `1,2`, as an array, as `orders[]=1` or `orders[0]=1`;
 * parameters with one entry a line also as an array of lines. Anything else that is no single text makes the request malformed.
 */
export function readFields(source: unknown): PanelFields {
  const texts: Partial<Record<FieldName, string>> = {}
  if (typeof source !== 'object' || source === null || Array.isArray(source)) {
    return { texts, malformed: source !== undefined && source !== null }
  }
  let malformed = false
  for (const sent in source) {
    const bracket = sent.indexOf('[')
    const name = bracket === -1 ? sent : sent.slice(0, bracket)
    const kind = kindOf.get(name)
    if (kind === undefined) continue
    const value = (source as Record<string, unknown>)[sent]
    if (value === null || value === undefined) continue
    const text = kind === 'one' && bracket === -1 ? textOf(value) : joined(value, kind)
    const known = texts[name as FieldName]
    if (text === undefined) malformed = true
    else if (known === undefined) texts[name as FieldName] = text
    else if (kind === 'one') malformed = true
    else texts[name as FieldName] = `${known}${SEPARATORS[kind]}${text}`
  }
  return { texts, malformed }
}

const SEPARATORS = { list: ',', lines: '\n' } as const

function joined(value: unknown, kind: Kind): string | undefined {
  if (kind === 'one') return undefined
  if (!Array.isArray(value)) return textOf(value)
  const items = value.map(textOf)
  return items.includes(undefined) ? undefined : items.join(SEPARATORS[kind])
}

function textOf(value: unknown): string | undefined {
  switch (typeof value) {
    case 'string':
      return value
    case 'number':
      // JSON has already rounded a greater whole number: its digits would name something that was not meant.
      return Number.isInteger(value) && !Number.isSafeInteger(value) ? value.toExponential() : String(value)
    case 'boolean':
      return String(value)
    default:
      return undefined
  }
}
