import { ProviderNotFoundError } from '#server/domains/providers/errors.ts'
import { findProvider } from '#server/domains/providers/queries.ts'
import type { App } from '#server/platform/app.ts'
import { textArray } from '#server/platform/db/arrays.ts'
import { statement } from '#server/platform/db/database.ts'
import { lately } from './lately.ts'
import { CODES_AGAINST, CODES_NO_TRY } from './rerouted.ts'

/** Services of a provider that are looked at; more than any had orders for. */
const SERVICES_MAX = 2_000

/** How a provider did lately with all that it was sent. Times in milliseconds, the slowest service's where there are several. */
export interface ProviderHealth {
  /** Of how many of its services there were attempts within the hour. */
  services: number
  accepted: number
  rejected: number
  unknown: number
  not_sent: number
  median_ms: number | null
  p95_ms: number | null
  last_rejected_at: Date | null
}

// A loose index scan: one probe for each of its services that was ever sent, and then the newest of each.
const measure = statement(`
  with recursive source as (
    (select provider_id, provider_service_id, 1 as n from orders.attempt where provider_id = $1 order by provider_service_id limit 1)
    union all
    (select next.provider_id, next.provider_service_id, source.n + 1
      from source, lateral (select provider_id, provider_service_id from orders.attempt a
        where a.provider_id = $1 and a.provider_service_id > source.provider_service_id order by a.provider_service_id limit 1) next
      where source.n < ${SERVICES_MAX})
  )
  select count(*) filter (where accepted + rejected + unknown + not_sent > 0)::int as services,
    coalesce(sum(accepted), 0)::int as accepted, coalesce(sum(rejected), 0)::int as rejected,
    coalesce(sum(unknown), 0)::int as unknown, coalesce(sum(not_sent), 0)::int as not_sent,
    max(median_ms) as median_ms, max(p95_ms) as p95_ms, max(last_rejected_at) as last_rejected_at
  from source cross join lateral ${lately({ against: '$2', no_try: '$3' })} as lately`)

/** How a provider did within the last hour, by the newest attempts of each of its services. Throws ProviderNotFoundError. */
export async function readProviderHealth({ db }: Pick<App, 'db'>, provider_id: bigint): Promise<ProviderHealth> {
  if (!(await findProvider(db, provider_id))) throw new ProviderNotFoundError(provider_id)
  const [row] = await db.query<ProviderHealth>(measure, [
    provider_id,
    textArray(CODES_AGAINST),
    textArray(CODES_NO_TRY),
  ])
  return row as ProviderHealth
}
