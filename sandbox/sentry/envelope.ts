/** One part of an envelope: a header, and a payload that is JSON here. */
export interface EnvelopeItem {
  header: Record<string, unknown>
  payload: unknown
}

export interface Envelope {
  header: Record<string, unknown>
  items: EnvelopeItem[]
}

/**
 * Reads an envelope: a line of JSON, then for each item a line of JSON and its payload, of the `length` the header tells or to the end of the line.
 * Throws SyntaxError when it is none.
 */
export function readEnvelope(bytes: Buffer): Envelope {
  let at = 0
  const line = () => {
    const end = bytes.indexOf(0x0a, at)
    const stop = end < 0 ? bytes.length : end
    const text = bytes.toString('utf8', at, stop)
    at = stop + 1
    return text
  }
  const header = objectOf(line())
  const items: EnvelopeItem[] = []
  while (at < bytes.length) {
    const head = line()
    if (head === '') continue
    const itemHeader = objectOf(head)
    const { length } = itemHeader
    const payload = typeof length === 'number' ? bytes.toString('utf8', at, at + length) : line()
    if (typeof length === 'number') at += length + 1
    items.push({ header: itemHeader, payload: JSON.parse(payload) as unknown })
  }
  return { header, items }
}

function objectOf(text: string): Record<string, unknown> {
  const value: unknown = JSON.parse(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new SyntaxError('not an object')
  return value as Record<string, unknown>
}
