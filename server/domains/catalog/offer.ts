import type { OrderType } from '#server/domains/providers/order-types.ts'
import type { ProviderService } from '#server/domains/providers/provider.ts'
import { QUANTITY_MAX } from './service.ts'

const NAME_CHARS_MAX = 500
const CATEGORY_CHARS_MAX = 200
const DESCRIPTION_CHARS_MAX = 10_000
const PROVIDER_SERVICE_ID_CHARS_MAX = 100

/** A provider's service, cleaned, ready to be priced. */
export interface Offered {
  provider_service_id: string
  name: string
  category: string
  description: string | null
  type: OrderType
  /** Minor units of the provider's asset per 1000, or for one package. */
  cost: bigint
  min: bigint
  max: bigint
  refill: boolean
  cancel: boolean
  dripfeed: boolean
}

/**
 * Cleans one row of a provider's list. A minimum of 0 counts as 1, a maximum beyond QUANTITY_MAX is cut, texts lose control characters and are cut to what
 * the catalogue takes. Undefined when the row makes no sense: no name, a price below zero, limits that leave no quantity.
 */
export function readOffer(row: ProviderService & { type: OrderType }): Offered | undefined {
  const name = cleanText(row.name, NAME_CHARS_MAX)
  const min = row.min === 0n ? 1n : row.min
  const max = row.max > QUANTITY_MAX ? QUANTITY_MAX : row.max
  if (name === '' || row.rate < 0n || min < 1n || min > max) return undefined
  return {
    provider_service_id: row.provider_service_id,
    name,
    category: cleanText(row.category, CATEGORY_CHARS_MAX) || 'Other',
    description: row.description === undefined ? null : cleanText(row.description, DESCRIPTION_CHARS_MAX) || null,
    type: row.type,
    cost: row.rate,
    min,
    max,
    refill: row.refill,
    cancel: row.cancel,
    dripfeed: row.dripfeed,
  }
}

/** Whether a provider's id for a service can be kept and sent back as it came. */
export function isServiceId(id: string): boolean {
  return id !== '' && id.length <= PROVIDER_SERVICE_ID_CHARS_MAX && cleanText(id, PROVIDER_SERVICE_ID_CHARS_MAX) === id
}

// Line breaks and tabs stay, for descriptions have paragraphs. NUL is what PostgreSQL cannot store.
const CONTROL = /[\p{Cc}--[\n\t]]/gv

function cleanText(text: string, chars_max: number): string {
  // By code points, as PostgreSQL counts, and without halves of surrogate pairs.
  return [...text.toWellFormed().replace(CONTROL, ' ').trim()].slice(0, chars_max).join('').trim()
}
