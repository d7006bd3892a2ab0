import { invariant } from '#server/kit/invariant.ts'
import { plainArray, textArray } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import type { Service } from './service.ts'

/** A service as it was and as it shall be. */
export interface ServiceChange {
  before: Service
  after: Service
}

/** What made services change, for their history. */
export interface ChangeCause {
  cause: 'import' | 'refresh' | 'markup' | 'exchange_rate' | 'staff'
  /** Who; null: the house itself, or someone at its terminal. */
  user_id: bigint | null
  at: Date
}

/** The changes among these: a service that is as it was is not written. */
export function changesAmong(pairs: readonly ServiceChange[]): ServiceChange[] {
  return pairs.filter(({ before, after }) =>
    (Object.keys(after) as (keyof Service)[]).some((key) => before[key] !== after[key]),
  )
}

/**
 * Writes services as they shall stand, and what became of them into their history. Two statements however many there are; the caller holds the lock on them
 * (`lockServicesOf`, `lockPrices`) and calls `forgetServices` after the commit.
 */
export async function writeServices(tx: Tx, changes: readonly ServiceChange[], cause: ChangeCause): Promise<void> {
  if (changes.length === 0) return
  await updateServices(
    tx,
    changes.map(({ after }) => after),
    cause.at,
  )
  const told = changes.filter(({ before, after }) => TOLD.some((key) => before[key] !== after[key]))
  if (told.length > 0) tx.send(insertHistory, historyOf(told, cause))
}

const update = statement(`
  update catalog.service as service set
    name = new.name, category = new.category, description = new.description, type = new.type,
    rate = new.rate, min = new.min, max = new.max, cost = new.cost, cost_asset = new.cost_asset, cost_usd = new.cost_usd,
    refill = new.refill, cancel = new.cancel, dripfeed = new.dripfeed,
    active = new.active, deactivated_reason = new.deactivated_reason,
    offered_rate = new.offered_rate, offered_min = new.offered_min, offered_max = new.offered_max, offer_gap = new.offer_gap,
    staff_rate = new.staff_rate, staff_min = new.staff_min, staff_max = new.staff_max, staff_off = new.staff_off,
    staff_category = new.staff_category, duplicate_links = new.duplicate_links, version = service.version + 1, updated_at = $1
  from unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[], $9::bigint[],
    $10::bigint[], $11::text[], $12::bigint[], $13::boolean[], $14::boolean[], $15::boolean[], $16::boolean[], $17::text[],
    $18::bigint[], $19::bigint[], $20::bigint[], $21::text[], $22::bigint[], $23::bigint[], $24::bigint[], $25::boolean[],
    $26::text[], $27::text[])
    as new (id, name, category, description, type, rate, min, max, cost, cost_asset, cost_usd, refill, cancel, dripfeed,
      active, deactivated_reason, offered_rate, offered_min, offered_max, offer_gap, staff_rate, staff_min, staff_max,
      staff_off, duplicate_links, staff_category)
  where service.id = new.id
  returning service.id`)

async function updateServices(tx: Tx, services: readonly Service[], now: Date): Promise<void> {
  const numbers = (read: (service: Service) => bigint | boolean | null) => plainArray(services.map(read))
  const texts = (read: (service: Service) => string | null) => textArray(services.map(read))
  const rows = await tx.query(update, [
    now,
    numbers((service) => service.id),
    texts((service) => service.name),
    texts((service) => service.category),
    texts((service) => service.description),
    texts((service) => service.type),
    numbers((service) => service.rate),
    numbers((service) => service.min),
    numbers((service) => service.max),
    numbers((service) => service.cost),
    texts((service) => service.cost_asset),
    numbers((service) => service.cost_usd),
    numbers((service) => service.refill),
    numbers((service) => service.cancel),
    numbers((service) => service.dripfeed),
    numbers((service) => service.active),
    texts((service) => service.deactivated_reason),
    numbers((service) => service.offered_rate),
    numbers((service) => service.offered_min),
    numbers((service) => service.offered_max),
    texts((service) => service.offer_gap),
    numbers((service) => service.staff_rate),
    numbers((service) => service.staff_min),
    numbers((service) => service.staff_max),
    numbers((service) => service.staff_off),
    texts((service) => service.duplicate_links),
    texts((service) => service.staff_category),
  ])
  invariant(rows.length === services.length, 'writeServices: a service vanished under the lock')
}

/** What the history tells of a service. */
const TOLD = ['rate', 'cost_usd', 'min', 'max', 'deactivated_reason'] as const

const insertHistory = statement(`
  insert into catalog.service_change (at, cause, user_id, service_id, rate_before, rate, cost_usd_before, cost_usd,
    min_before, min, max_before, max, reason_before, reason)
  select $1, $2, $3, * from unnest($4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[],
    $10::bigint[], $11::bigint[], $12::bigint[], $13::text[], $14::text[])`)

function historyOf(changes: readonly ServiceChange[], { at, cause, user_id }: ChangeCause): unknown[] {
  const sides = (key: Exclude<(typeof TOLD)[number], 'deactivated_reason'>) => [
    plainArray(changes.map(({ before }) => before[key])),
    plainArray(changes.map(({ after }) => after[key])),
  ]
  return [
    at,
    cause,
    user_id,
    plainArray(changes.map(({ after }) => after.id)),
    ...sides('rate'),
    ...sides('cost_usd'),
    ...sides('min'),
    ...sides('max'),
    textArray(changes.map(({ before }) => before.deactivated_reason)),
    textArray(changes.map(({ after }) => after.deactivated_reason)),
  ]
}
