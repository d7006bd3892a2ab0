import { parse as parseForm } from 'node:querystring'

/** Orders named in one call; more are passed over, and asked about in their turn. */
export const NAMED_MAX = 100

/** A body is searched so deep; providers' own are flat. */
const DEPTH_MAX = 5

/** What the column of providers' numbers takes, and no list would be. */
const NUMBER = /^[^\s,\p{C}]{1,200}$/u

/** Names of fields under which providers tell which orders they speak of. */
const NAMES = /^(orders?|order_?ids?|ids?|external_?ids?)$/i

/**
 * The numbers of orders that a provider's call names, in whatever form: JSON of any shape, or fields of a form. Read loosely, for it only decides what is asked about: what is no
 * order of ours is passed over by whoever looks for them.
 */
export function namedOrders(body: Buffer): string[] {
  const text = body.toString('utf8').replace(/^\ufeff/, '')
  const found = new Set<string>()
  collect(readJson(text) ?? parseForm(text, '&', '=', { maxKeys: NAMED_MAX }), '', 0, found)
  return [...found].slice(0, NAMED_MAX)
}

/** Numbers as their own text: a long one would be rounded. */
function readJson(text: string): unknown {
  try {
    return JSON.parse(text, (_name, value: unknown, context?: { source?: string }) =>
      typeof value === 'number' ? context?.source : value,
    )
  } catch {
    // A form, or rubbish in which no field has such a name.
    return undefined
  }
}

function collect(value: unknown, name: string, depth: number, found: Set<string>): void {
  if (depth > DEPTH_MAX || found.size >= NAMED_MAX) return
  const names_orders = NAMES.test(name.split('[', 1)[0] ?? '')
  if (typeof value === 'string') {
    if (names_orders) take(value.split(','), found)
    return
  }
  if (typeof value !== 'object' || value === null) return
  if (Array.isArray(value)) {
    // Within a list an object is one order, and its keys are its fields.
    for (const item of value) collect(item, typeof item === 'string' ? name : '', depth + 1, found)
    return
  }
  // An object keyed by the orders' numbers, as panels answer `status`.
  if (names_orders) take(Object.keys(value), found)
  for (const [key, item] of Object.entries(value)) collect(item, key, depth + 1, found)
}

function take(texts: readonly string[], found: Set<string>): void {
  for (const text of texts) {
    const number = text.trim()
    if (NUMBER.test(number) && found.size < NAMED_MAX) found.add(number)
  }
}
