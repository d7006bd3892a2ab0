import type { IncomingMessage } from 'node:http'
import { IdempotencyKeyInvalidError } from './errors.ts'

/** The header by which a caller makes repeating a request safe. */
export const IDEMPOTENCY_HEADER = 'idempotency-key'

/** The header of an answer that was given before. */
export const REPLAYED_HEADER = 'idempotent-replayed'

/** As long as any client's library makes them. */
const IDEMPOTENCY_KEY_MAX = 255

/** Visible ASCII, and spaces within. */
const VISIBLE = /^[\x20-\x7e]+$/
/** RFC 9651, 3.3.3: in double quotes, with those and backslashes behind a backslash. */
const QUOTED = /^"(?:[^"\\]|\\["\\])*"$/

/**
 * The key that a request's Idempotency-Key header carries, bare or as the quoted text that the header's draft standard asks for; what is not quite quoted is
 * bare. Undefined without the header. Throws IdempotencyKeyInvalidError where there is one that is no key, or more than one.
 */
export function idempotencyKeyOf(request: Pick<IncomingMessage, 'headers' | 'rawHeaders'>): string | undefined {
  const header = request.headers[IDEMPOTENCY_HEADER]
  if (header === undefined) return undefined
  if (typeof header !== 'string' || isSentTwice(request.rawHeaders)) throw new IdempotencyKeyInvalidError()
  const key = QUOTED.test(header) ? header.slice(1, -1).replace(/\\(["\\])/g, '$1') : header
  if (!VISIBLE.test(key) || key.length > IDEMPOTENCY_KEY_MAX) throw new IdempotencyKeyInvalidError()
  return key
}

/** Two headers of one name arrive joined; which of them holds is not known. */
function isSentTwice(raw: readonly string[]): boolean {
  let seen = false
  for (let i = 0; i < raw.length; i += 2) {
    if (raw[i]?.toLowerCase() !== IDEMPOTENCY_HEADER) continue
    if (seen) return true
    seen = true
  }
  return false
}
