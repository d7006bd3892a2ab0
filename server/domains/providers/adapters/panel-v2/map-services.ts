import { type OrderType, TYPE_NAMES } from '#server/domains/providers/order-types.ts'
import type { ProviderService } from '#server/domains/providers/provider.ts'
import { AMOUNT_MAX } from '#server/kit/money.ts'
import type { Money } from './figures.ts'
import { amountOf, fieldsOf, flagOf, own, readJson, textOf, wholeOf } from './json.ts'
import { type ReadAnswer, readFailure } from './map-read.ts'
import { refusalOf } from './refusals.ts'

/** Types that Saldo sells, as panels spell them: in small letters, with spaces. */
const TYPES = new Map<string, OrderType>(TYPE_NAMES.map((type) => [type.toLowerCase(), type]))

/** Longest texts kept; panels put whole pages into descriptions. */
const NAME_MAX = 500
const DESCRIPTION_MAX = 5_000
const ID_MAX = 100

/** The services offered; rows that cannot be read, and ids named again, are left out and counted. Throws ProviderReadError. */
export function readServices(answer: ReadAnswer, money: Money): { services: ProviderService[]; unreadable: number } {
  const rows = answer.status >= 500 ? undefined : rowsOf(readJson(answer.body))
  if (!rows) throw readFailure(answer)
  const services = new Map<string, ProviderService>()
  for (const row of rows) {
    const service = readService(row, money)
    if (service && !services.has(service.provider_service_id)) services.set(service.provider_service_id, service)
  }
  return { services: [...services.values()], unreadable: rows.length - services.size }
}

/** A list, a list under `data`, or a text there that says that there are none. */
function rowsOf(value: unknown): unknown[] | undefined {
  if (Array.isArray(value)) return value
  const fields = fieldsOf(value)
  if (!fields || refusalOf(fields) !== undefined) return undefined
  const data = own(fields, 'data')
  if (Array.isArray(data)) return data
  return /^empty/i.test(textOf(data) ?? '') ? [] : undefined
}

function readService(value: unknown, money: Money): ProviderService | undefined {
  const fields = fieldsOf(value)
  if (!fields) return undefined
  const provider_service_id = textOf(own(fields, 'service'))
  const name = kept(own(fields, 'name'), NAME_MAX)
  const rate = amountOf(own(fields, 'rate'), money.scale)
  const min = wholeOf(own(fields, 'min'))
  const max = wholeOf(own(fields, 'max'))
  if (provider_service_id === undefined || provider_service_id.length > ID_MAX || name === undefined) return undefined
  if (rate === undefined || min === undefined || max === undefined) return undefined
  if (rate < 0n || min < 0n || max < 1n || min > max || max > AMOUNT_MAX) return undefined
  const raw_type = kept(own(fields, 'type'), NAME_MAX) ?? ''
  return {
    provider_service_id,
    name,
    category: kept(own(fields, 'category'), NAME_MAX) ?? '',
    type: TYPES.get(raw_type.toLowerCase().replace(/[\s_-]+/g, ' ')),
    raw_type,
    rate,
    min,
    max,
    refill: flagOf(own(fields, 'refill')),
    cancel: flagOf(own(fields, 'cancel')),
    dripfeed: flagOf(own(fields, 'dripfeed')),
    description: kept(own(fields, 'desc'), DESCRIPTION_MAX) ?? kept(own(fields, 'description'), DESCRIPTION_MAX),
  }
}

/** A text that can be stored: PostgreSQL takes no NUL. */
function kept(value: unknown, chars_max: number): string | undefined {
  return textOf(value)?.replaceAll('\0', '').slice(0, chars_max)
}
