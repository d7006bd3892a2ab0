import { invariant } from '#server/kit/invariant.ts'
import type { EventData, EventTypeName } from './event-types.ts'

/** The shape of all bodies. A change that receivers would have to follow gets a new number, which webhooks choose. */
const API_VERSION = '1'

/** Standard Webhooks wants less; also the column's own limit. Ours are a fraction of it. */
const BODY_BYTES_MAX = 20_000

/** What is sent and signed, byte for byte. `at` is when it happened. */
export function eventBody(type: EventTypeName, at: Date, data: EventData): string {
  const body = JSON.stringify({ type, timestamp: at.toISOString(), api_version: API_VERSION, data })
  invariant(Buffer.byteLength(body) < BODY_BYTES_MAX, `the body of ${type} exceeds ${BODY_BYTES_MAX} bytes`)
  return body
}
