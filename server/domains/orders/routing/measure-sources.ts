import { readRouting } from '#server/domains/catalog/sellable-services.ts'
import type { CatalogApp } from '#server/domains/catalog/service.ts'
import { type SourceHealth, storeHealth } from '#server/domains/catalog/sources/store-health.ts'
import { int8Array, textArray } from '#server/platform/db/arrays.ts'
import { statement } from '#server/platform/db/database.ts'
import { lately } from './lately.ts'
import { CODES_AGAINST, CODES_NO_TRY } from './rerouted.ts'

/** Sources in one statement. */
const BATCH_MAX = 500

const measure = statement(`
  select source.id as service_id, lately.*
  from unnest($1::bigint[], $2::bigint[], $3::text[]) as source (id, provider_id, provider_service_id)
  cross join lateral ${lately({ against: '$4', no_try: '$5' })} as lately`)

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
      textArray(CODES_NO_TRY),
    ])
    await storeHealth(app, measured)
  }
}
