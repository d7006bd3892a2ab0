import { encodeJson, restoreBigints } from '#server/kit/json.ts'
import type { CorrelationIds } from '../telemetry/correlation.ts'

/** How a job lies in the queue: its payload, and whose work caused it. The library gives arrays a meaning of their own, so nothing lies there bare. */
export interface Envelope {
  payload: unknown
  correlation: CorrelationIds
}

/** The envelope as JSON; an undefined payload is left out. */
export function sealEnvelope(payload: unknown, correlation: CorrelationIds): string {
  return encodeJson({ payload, correlation })
}

/** Reads a stored envelope. Throws TypeError when it is none, as in a job put into the queue by hand. */
export function openEnvelope(stored: unknown): Envelope {
  if (typeof stored !== 'object' || stored === null || !('correlation' in stored)) {
    throw new TypeError('the stored job has no envelope')
  }
  const { payload, correlation } = stored as { payload?: unknown; correlation: unknown }
  return { payload: restoreBigints(payload), correlation: readIds(correlation) }
}

function readIds(correlation: unknown): CorrelationIds {
  if (typeof correlation !== 'object' || correlation === null) return {}
  return Object.fromEntries(Object.entries(correlation).filter(([, id]) => typeof id === 'string'))
}
