/** The header by which a caller makes repeating a request safe. */
export const IDEMPOTENCY_HEADER = 'idempotency-key'

/**
 * The key that an Idempotency-Key header carries, bare or as the quoted text that the header's draft standard asks for. Undefined without the
 * header; an empty header is an empty key, which placing refuses.
 */
export function requestKeyOf(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined
  const text = typeof header === 'string' ? header : header.join(', ')
  const quoted = /^"((?:[^"\\]|\\["\\])*)"$/.exec(text)
  return quoted ? (quoted[1] as string).replace(/\\(["\\])/g, '$1') : text
}
