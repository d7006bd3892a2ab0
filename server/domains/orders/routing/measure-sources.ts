import { readRouting } from '#server/domains/catalog/sellable-services.ts'
import type { CatalogApp } from '#server/domains/catalog/service.ts'
import { type SourceHealth, storeHealth } from '#server/domains/catalog/sources/store-health.ts'
import { int8Array, textArray } from '#server/platform/db/arrays.ts'
import { statement } from '#server/platform/db/database.ts'
import { CODES_AGAINST } from './rerouted.ts'

/** Sources in one statement. */
const BATCH_MAX = 500

/** The newest attempts of a source within the last hour: enough to tell how it does. */
const ATTEMPTS_MAX = 100

const measure = statement(`
  select source.id as service_id, lately.*
  from unnest($1::bigint[], $2::bigint[], $3::text[]) as source (id, provider_id, provider_service_id)
  cross join lateral (
    select count(*) filter (where state = 'accepted')::int as accepted,
      count(*) filter (where state = 'rejected' and code = any($4::text[]))::int as rejected,
      count(*) filter (where state = 'unknown')::int as unknown,
      count(*) filter (where state = 'rejected' and code in ('not_sent', 'rate_limited'))::int as not_sent,
      round(percentile_cont(0.5) within group (order by took_ms) filter (where state = 'accepted'))::int as median_ms,
      round(percentile_cont(0.95) within group (order by took_ms) filter (where state = 'accepted'))::int as p95_ms,
      max(ended_at) filter (where state = 'rejected' and code = any($4::text[])) as last_rejected_at
    from (
      select state, code, ended_at, extract(epoch from ended_at - started_at) * 1000 as took_ms from orders.attempt a
      where a.provider_id = source.provider_id and a.provider_service_id = source.provider_service_id
        and a.started_at > now() - interval '1 hour'
      order by a.started_at desc limit ${ATTEMPTS_MAX}) as newest
  ) as lately`)

/** Measures how the sources of services that have several did within the last hour, for the choice among them and for staff. */
export async function measureSources(app: CatalogApp): Promise<void> {
  const { sourcings } = await readRouting(app)
  const sources = new Map(
    [...sourcings.values()].flatMap((each) => each.sources.map(({ service }) => [service.id, service])),
  )
  const all = [...sources.values()]
  for (let at = 0; at < all.length; at += BATCH_MAX) {
    const batch = all.slice(at, at + BATCH_MAX)
    const measured = await app.db.query<SourceHealth>(measure, [
      int8Array(batch.map(({ id }) => id)),
      int8Array(batch.map(({ provider_id }) => provider_id)),
      textArray(batch.map(({ provider_service_id }) => provider_service_id)),
      textArray(CODES_AGAINST),
    ])
    await storeHealth(app, measured)
  }
}
