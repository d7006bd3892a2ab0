import { type Db, statement, type Tx } from '#server/platform/db/database.ts'
import type { Service } from './service.ts'

/** The columns of a Service, for select lists. */
export const SERVICE_COLUMNS = `id, name, category, description, type, rate, min, max, provider_id, provider_service_id, cost, cost_asset,
  cost_usd, refill, cancel, dripfeed, active, deactivated_reason, offered_rate, offered_min, offered_max, offer_gap,
  staff_rate, staff_min, staff_max, staff_off, staff_category, duplicate_links, position, version`

const allServices = statement(`select ${SERVICE_COLUMNS} from catalog.service order by category, position, id`)
const servicesOf = statement(`select ${SERVICE_COLUMNS} from catalog.service where provider_id = $1 order by id`)
const serviceById = statement(`select ${SERVICE_COLUMNS} from catalog.service where id = $1`)
const servicesIn = statement(`select ${SERVICE_COLUMNS} from catalog.service where category = $1 order by id`)
const servicesBilledIn = statement(
  `select ${SERVICE_COLUMNS} from catalog.service where cost_asset = any($1::text[]) order by id`,
)
const currentRevision = statement('select value from catalog.revision')
// The classes are any fixed numbers; providers whose hashes meet only wait for one another. The shared lock first: whoever waits for it holds nothing yet.
const lockProvider = statement(
  'select pg_advisory_xact_lock_shared(7252027), pg_advisory_xact_lock(7252026, hashint8($1))',
)
const lockAll = statement('select pg_advisory_xact_lock(7252027)')

/** Every service, sold or not, by category and position. */
export function selectAllServices(db: Pick<Db, 'query'>): Promise<Service[]> {
  return db.query<Service>(allServices)
}

/** The services bought at one provider, by id. */
export function selectServicesOf(db: Pick<Db, 'query'>, provider_id: bigint): Promise<Service[]> {
  return db.query<Service>(servicesOf, [provider_id])
}

/** The services in one of our categories, by id. */
export function selectServicesIn(db: Pick<Db, 'query'>, category: string): Promise<Service[]> {
  return db.query<Service>(servicesIn, [category])
}

/** The services whose cost is in one of these assets, by id. */
export function selectServicesBilledIn(db: Pick<Db, 'query'>, assets: readonly string[]): Promise<Service[]> {
  return db.query<Service>(servicesBilledIn, [assets])
}

/** One service; undefined when there is none. */
export async function selectService(db: Pick<Db, 'query'>, id: bigint): Promise<Service | undefined> {
  return (await db.query<Service>(serviceById, [id]))[0]
}

/** A number that grows with every change of the catalogue. */
export async function selectRevision(db: Pick<Db, 'query'>): Promise<bigint> {
  const rows = await db.query<{ value: bigint }>(currentRevision)
  return rows[0]?.value ?? 0n
}

/** Waits until no other transaction writes services of this provider, and keeps others out until the end of this one. */
export async function lockServicesOf(tx: Tx, provider_id: bigint): Promise<void> {
  await tx.query(lockProvider, [provider_id])
}

/** The same for the services of every provider, and for what they are priced by. Not to be taken behind `lockServicesOf`. */
export async function lockPrices(tx: Tx): Promise<void> {
  await tx.query(lockAll)
}
