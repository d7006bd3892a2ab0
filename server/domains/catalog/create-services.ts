import { plainArray, textArray } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import type { NewService, Source } from './plan-import.ts'
import type { ChangeCause } from './write-services.ts'

/** A service just created. */
export interface Created {
  id: bigint
  provider_service_id: string
}

/**
 * Creates services behind those that the provider has, in the order given, with the first line of their history and the rules of their own. At most two
 * statements however many there are; the caller holds `lockServicesOf` and calls `forgetServices` after the commit.
 */
export async function createServices(
  tx: Tx,
  source: Source,
  services: readonly NewService[],
  cause: ChangeCause,
): Promise<Created[]> {
  if (services.length === 0) return []
  const created = await tx.query<Created>(insert, [
    source.provider_id,
    source.asset,
    cause.at,
    cause.cause,
    cause.user_id,
    textArray(services.map((row) => row.provider_service_id)),
    textArray(services.map((row) => row.name)),
    textArray(services.map((row) => row.category)),
    textArray(services.map((row) => row.staff_category)),
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
  ])
  giveRules(tx, services, created, cause)
  return created
}

const insert = statement(`
  with last as (select coalesce(max(position), 0) as position from catalog.service where provider_id = $1),
  created as (
    insert into catalog.service (provider_id, cost_asset, created_at, updated_at, position, provider_service_id, name, category,
      staff_category, description, type, rate, offered_rate, min, offered_min, max, offered_max, cost, cost_usd, refill, cancel,
      dripfeed)
    select $1, $2, $3, $3, last.position + new.place, new.provider_service_id, new.name, new.category,
      new.staff_category, new.description, new.type, new.rate, new.rate, new.min, new.min, new.max, new.max, new.cost, new.cost_usd,
      new.refill, new.cancel, new.dripfeed
    from last, unnest($6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::bigint[], $13::bigint[],
      $14::bigint[], $15::bigint[], $16::bigint[], $17::boolean[], $18::boolean[], $19::boolean[]) with ordinality
      as new (provider_service_id, name, category, staff_category, description, type, rate, min, max, cost, cost_usd, refill,
        cancel, dripfeed, place)
    order by new.place
    returning id, provider_service_id, rate, cost_usd, min, max
  ),
  told as (
    insert into catalog.service_change (service_id, at, cause, user_id, rate, cost_usd, min, max)
    select id, $3, $4, $5, rate, cost_usd, min, max from created order by id
  )
  select id, provider_service_id from created`)

const insertRules = statement(`
  insert into catalog.markup_rule (updated_at, updated_by, service_id, percent_bp, fixed, minimum_margin, step)
  select $1, $2, * from unnest($3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])`)

function giveRules(tx: Tx, services: readonly NewService[], created: readonly Created[], cause: ChangeCause): void {
  const ids = new Map(created.map((each) => [each.provider_service_id, each.id]))
  const ruled = services.flatMap(({ provider_service_id, markup }) =>
    markup ? [{ ...markup, service_id: ids.get(provider_service_id) }] : [],
  )
  if (ruled.length === 0) return
  tx.send(insertRules, [
    cause.at,
    cause.user_id,
    plainArray(ruled.map((rule) => rule.service_id)),
    plainArray(ruled.map((rule) => rule.percent_bp)),
    plainArray(ruled.map((rule) => rule.fixed)),
    plainArray(ruled.map((rule) => rule.minimum_margin)),
    plainArray(ruled.map((rule) => rule.step)),
  ])
}
