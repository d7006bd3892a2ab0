import { present } from '#server/kit/invariant.ts'
import { int8Array, plainArray, textArray } from '#server/platform/db/arrays.ts'
import { type Db, statement, type Tx } from '#server/platform/db/database.ts'
import type { Offered } from './offer.ts'
import { priceService } from './price-service.ts'
import { readPricing } from './pricing.ts'
import { lockPrices } from './queries.ts'
import { type CatalogApp, RATE_MAX, type Service, termsOf } from './service.ts'

/** A service of another system. It keeps its number, by which resellers order it, and its rate and category as staff's word. */
export interface TakenService extends Offered {
  id: bigint
  provider_id: bigint
  cost_asset: string
  /** Micro-USD per 1000, or for one package. */
  rate: bigint
  /** Not sold there: staff have it off here too. */
  is_off: boolean
}

/** `was_there`: it was taken over before, and stays as it is. */
export type TakenServiceOutcome =
  | { ok: true; was_there: boolean }
  | { ok: false; refusal: 'number_taken' | 'bought_already' }

const FIND = statement(`
  select id, provider_id, provider_service_id from catalog.service where id = any($1::bigint[])
  union
  select s.id, provider_id, provider_service_id
  from unnest($2::bigint[], $3::text[]) as bought (provider_id, provider_service_id) join catalog.service s using (provider_id, provider_service_id)`)

/**
 * Takes services of another system into the catalogue, under the numbers that they have there; one outcome each, and may run again. Refused is one whose number is
 * another service's here, and one whose provider's service is sold here under another number. The caller calls `forgetServices` after the commit.
 * InvariantError where two have one number.
 */
export async function takeOverServices(
  tx: Tx,
  app: Pick<CatalogApp, 'clock' | 'settings'>,
  services: readonly TakenService[],
): Promise<TakenServiceOutcome[]> {
  await lockPrices(tx)
  const found = await tx.query<Pick<Service, 'id' | 'provider_id' | 'provider_service_id'>>(FIND, [
    int8Array(services.map((each) => each.id)),
    int8Array(services.map((each) => each.provider_id)),
    textArray(services.map((each) => each.provider_service_id)),
  ])
  const byId = new Map(found.map((row) => [row.id, sourceOf(row)]))
  const bought = new Set(found.map(sourceOf))
  const fresh: TakenService[] = []
  const outcomes = services.map((each): TakenServiceOutcome => {
    const here = byId.get(each.id)
    if (here !== undefined) {
      return here === sourceOf(each) ? { ok: true, was_there: true } : { ok: false, refusal: 'number_taken' }
    }
    if (bought.has(sourceOf(each))) return { ok: false, refusal: 'bought_already' }
    bought.add(sourceOf(each))
    byId.set(each.id, sourceOf(each))
    fresh.push(each)
    return { ok: true, was_there: false }
  })
  await create(tx, app, fresh)
  return outcomes
}

function sourceOf({ provider_id, provider_service_id }: Pick<Service, 'provider_id' | 'provider_service_id'>): string {
  return `${provider_id}/${provider_service_id}`
}

const KEEP_NUMBERS = statement(`
  select setval(numbers, $1::bigint) from (select pg_get_serial_sequence('catalog.service', 'id')::regclass as numbers) as own
  where coalesce(pg_sequence_last_value(numbers), 0) < $1::bigint`)

/**
 * Lets services be numbered on from behind `last`, the highest number to be taken over. To be called before the first is taken over, so that no new one gets its number; and not where that is to be
 * taken back, for no rollback takes this back.
 */
export async function keepServiceNumbers(db: Db, last: bigint): Promise<void> {
  await db.query(KEEP_NUMBERS, [last])
}

const INSERT = statement(`
  with created as (
    insert into catalog.service (id, name, category, description, type, rate, min, max, provider_id, provider_service_id, cost, cost_asset,
      cost_usd, refill, cancel, dripfeed, active, deactivated_reason, offered_rate, offered_min, offered_max, staff_rate, staff_category, staff_off, position,
      created_at, updated_at)
    overriding system value
    select id, name, category, description, type, rate, min, max, provider_id, provider_service_id, cost, cost_asset,
      cost_usd, refill, cancel, dripfeed, active, deactivated_reason, offered_rate, min, max, staff_rate, category, staff_off, place, $22, $22
    from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[],
      $10::text[], $11::bigint[], $12::text[], $13::bigint[], $14::boolean[], $15::boolean[], $16::boolean[], $17::boolean[], $18::text[],
      $19::bigint[], $20::bigint[], $21::boolean[]) with ordinality
      as new (id, name, category, description, type, rate, min, max, provider_id, provider_service_id, cost, cost_asset, cost_usd, refill,
        cancel, dripfeed, active, deactivated_reason, offered_rate, staff_rate, staff_off, place)
    returning id, rate, cost_usd, min, max, deactivated_reason
  )
  insert into catalog.service_change (service_id, at, cause, rate, cost_usd, min, max, reason)
  select id, $22, 'import', rate, cost_usd, min, max, deactivated_reason from created order by id`)

async function create(tx: Tx, app: Pick<CatalogApp, 'clock' | 'settings'>, taken: readonly TakenService[]) {
  if (taken.length === 0) return
  const pricing = await readPricing(tx, app)
  const services = taken.map((each) => {
    const standing = { ...blank(each), staff_rate: each.rate, staff_category: each.category, staff_off: each.is_off }
    const priced = priceService(standing, pricing)
    // A service that nobody can price yet has the rate that it had.
    return priced.cost_usd === null ? { ...priced, ...termsOf({ ...priced, offered_rate: each.rate }) } : priced
  })
  await tx.query(INSERT, [
    int8Array(services.map((row) => row.id)),
    textArray(services.map((row) => row.name)),
    textArray(services.map((row) => row.category)),
    textArray(services.map((row) => row.description)),
    textArray(services.map((row) => row.type)),
    int8Array(services.map((row) => (row.rate > RATE_MAX ? RATE_MAX : row.rate))),
    int8Array(services.map((row) => row.min)),
    int8Array(services.map((row) => row.max)),
    int8Array(services.map((row) => row.provider_id)),
    textArray(services.map((row) => row.provider_service_id)),
    int8Array(services.map((row) => row.cost)),
    textArray(services.map((row) => row.cost_asset)),
    int8Array(services.map((row) => row.cost_usd)),
    plainArray(services.map((row) => row.refill)),
    plainArray(services.map((row) => row.cancel)),
    plainArray(services.map((row) => row.dripfeed)),
    plainArray(services.map((row) => row.active)),
    textArray(services.map((row) => row.deactivated_reason)),
    int8Array(services.map((row) => present(row.offered_rate, 'a priced service has a rate'))),
    int8Array(services.map((row) => row.staff_rate)),
    plainArray(services.map((row) => row.staff_off)),
    app.clock.now(),
  ])
}

/** The service before it is priced. */
function blank({ is_off: _, ...offered }: TakenService): Service {
  return {
    ...offered,
    cost_usd: null,
    active: false,
    deactivated_reason: null,
    offered_rate: offered.rate,
    offered_min: offered.min,
    offered_max: offered.max,
    offer_gap: null,
    staff_rate: null,
    staff_min: null,
    staff_max: null,
    staff_off: false,
    staff_category: null,
    position: 0,
    duplicate_links: 'allow',
    version: 1n,
  }
}
