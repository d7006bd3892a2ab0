import { plainArray, textArray } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import type { NewService, Source } from './plan-import.ts'
import type { ChangeCause } from './write-services.ts'

/**
 * Creates services behind those that the provider has, in the order given, with the first line of their history. One statement however many there
 * are; the caller holds `lockServicesOf` and calls `forgetServices` after the commit.
 */
export async function createServices(
  tx: Tx,
  source: Source,
  services: readonly NewService[],
  cause: ChangeCause,
): Promise<void> {
  if (services.length === 0) return
  await tx.query(insert, [
    source.provider_id,
    source.asset,
    cause.at,
    cause.cause,
    cause.user_id,
    textArray(services.map((row) => row.provider_service_id)),
    textArray(services.map((row) => row.name)),
    textArray(services.map((row) => row.category)),
    textArray(services.map((row) => row.description)),
    textArray(services.map((row) => row.type)),
    plainArray(services.map((row) => row.rate)),
    plainArray(services.map((row) => row.min)),
    plainArray(services.map((row) => row.max)),
    plainArray(services.map((row) => row.cost)),
    plainArray(services.map((row) => row.cost_usd)),
    plainArray(services.map((row) => row.refill)),
    plainArray(services.map((row) => row.cancel)),
    plainArray(services.map((row) => row.dripfeed)),
    plainArray(services.map((row) => row.staff_rate)),
    textArray(services.map((row) => row.staff_category)),
  ])
}

const insert = statement(`
  with last as (select coalesce(max(position), 0) as position from catalog.service where provider_id = $1),
  created as (
    insert into catalog.service (provider_id, cost_asset, created_at, updated_at, position, provider_service_id, name, category,
      description, type, rate, offered_rate, min, offered_min, max, offered_max, cost, cost_usd, refill, cancel,
      dripfeed, staff_rate, staff_category)
    select $1, $2, $3, $3, last.position + new.place, new.provider_service_id, new.name, new.category,
      new.description, new.type, coalesce(new.staff_rate, new.rate), new.rate, new.min, new.min, new.max, new.max, new.cost, new.cost_usd,
      new.refill, new.cancel, new.dripfeed, new.staff_rate, new.staff_category
    from last, unnest($6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::bigint[], $12::bigint[],
      $13::bigint[], $14::bigint[], $15::bigint[], $16::boolean[], $17::boolean[], $18::boolean[],
      $19::bigint[], $20::text[]) with ordinality
      as new (provider_service_id, name, category, description, type, rate, min, max, cost, cost_usd, refill,
        cancel, dripfeed, staff_rate, staff_category, place)
    order by new.place
    returning id, rate, cost_usd, min, max
  )
  insert into catalog.service_change (service_id, at, cause, user_id, rate, cost_usd, min, max)
  select id, $3, $4, $5, rate, cost_usd, min, max from created order by id`)
