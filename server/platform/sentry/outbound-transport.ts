import { type BaseTransportOptions, createTransport, type Transport } from '@sentry/core'
import type { Outbound } from '../outbound/outbound.ts'

/** Sentry answers in a second; one that does not is not waited for. */
const TIMEOUT_MS = 5_000

/** Its answers have a few words; more is not read. */
const ANSWER_BYTES_MAX = 16_384

/** Envelopes under way and waiting; beyond, they are given up. */
const BUFFER_MAX = 16

/** What became of an envelope. */
export type Delivery = 'taken' | 'refused' | 'failed'

/** Sends envelopes over the house's outbound calls: guarded addresses, a time-out, a cap. What Sentry says of its limits is kept to. */
export function outboundTransport(outbound: Outbound, onDelivery: (delivery: Delivery) => void) {
  return (options: BaseTransportOptions): Transport =>
    createTransport({ ...options, bufferSize: BUFFER_MAX }, async ({ body }) => {
      try {
        const { status, headers } = await outbound.call({
          url: options.url,
          method: 'POST',
          headers: { 'content-type': 'application/x-sentry-envelope' },
          body: typeof body === 'string' ? body : Buffer.from(body).toString('utf8'),
          timeout_ms: TIMEOUT_MS,
          max_bytes: ANSWER_BYTES_MAX,
          beyond_max: 'is_cut',
        })
        onDelivery(status < 300 ? 'taken' : 'refused')
        return {
          statusCode: status,
          headers: {
            'x-sentry-rate-limits': headers['x-sentry-rate-limits'] ?? null,
            'retry-after': headers['retry-after'] ?? null,
          },
        }
      } catch (error) {
        onDelivery('failed')
        throw error
      }
    })
}
