import { type Act, type Actor, SYSTEM } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import { invariant } from '#server/kit/invariant.ts'
import { plainArray, textArray } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { OfferTooLongError } from './errors.ts'
import type { CostCurrency, MarkupRule } from './markup.ts'
import type { Offered } from './offer.ts'
import { type ImportReport, type Offer, planImport } from './plan-import.ts'
import { lockServicesOf, selectServicesOf } from './queries.ts'
import { forgetServices } from './sellable-services.ts'
import type { CatalogApp, Service } from './service.ts'

/** The longest lists seen have about 10,000 rows; this bounds the memory and the time under lock of one import. */
export const IMPORT_SERVICES_MAX = 50_000

export interface ImportServices {
  provider_id: bigint
  /** What the provider bills in. */
  currency: CostCurrency
  markup: MarkupRule
  /** The answer of `Provider.services`, fetched before: the network has no place in a transaction. */
  offer: Offer
  /** Who imports; the house itself when absent. */
  by?: Actor
}

/**
 * Brings the catalogue in line with what a provider offers, priced by the mark-up rule. What staff decided stands; what vanished is not sold from
 * now on; what came back is. One transaction of at most four statements, imports of one provider one after the other; rows that are as they should be
 * are not written, so that it may run twice. Throws OfferTooLongError beyond IMPORT_SERVICES_MAX rows.
 */
export async function importServices(app: CatalogApp, input: ImportServices): Promise<ImportReport> {
  if (input.offer.services.length > IMPORT_SERVICES_MAX) throw new OfferTooLongError(IMPORT_SERVICES_MAX)
  const plan = await app.db.transaction(async (tx) => {
    await lockServicesOf(tx, input.provider_id)
    const current = await selectServicesOf(tx, input.provider_id)
    const plan = planImport(current, input.offer, input.currency, input.markup)
    const now = app.clock.now()
    if (plan.change.length > 0) await updateServices(tx, plan.change, now)
    if (plan.create.length > 0) {
      await insertServices(tx, input, plan.create, nextPosition(current), now)
    }
    if (plan.change.length + plan.create.length > 0) recordActs(tx, [importedAct(input, plan.report)])
    return plan
  })
  if (plan.change.length + plan.create.length > 0) await forgetServices(app)
  return plan.report
}

/** One for the import: what became of each service, its row tells. */
function importedAct(input: ImportServices, report: ImportReport): Act {
  const { by: actor = SYSTEM, provider_id, markup } = input
  const after = { markup: { ...markup }, ...report }
  return { action: 'services.imported', actor, subject: { kind: 'provider', id: provider_id }, after }
}

function nextPosition(current: readonly Service[]): number {
  return current.reduce((last, service) => Math.max(last, service.position), 0) + 1
}

const update = statement(`
  update catalog.service as service set
    name = new.name, category = new.category, description = new.description, type = new.type,
    rate = new.rate, min = new.min, max = new.max, cost = new.cost, cost_asset = new.cost_asset, cost_usd = new.cost_usd,
    refill = new.refill, cancel = new.cancel, dripfeed = new.dripfeed,
    active = new.active, deactivated_reason = new.deactivated_reason,
    offered_rate = new.offered_rate, offered_min = new.offered_min, offered_max = new.offered_max, offer_gap = new.offer_gap,
    version = service.version + 1, updated_at = $20
  from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[],
    $9::bigint[], $10::text[], $11::bigint[], $12::boolean[], $13::boolean[], $14::boolean[], $15::text[],
    $16::bigint[], $17::bigint[], $18::bigint[], $19::text[], $21::boolean[])
    as new (id, name, category, description, type, rate, min, max, cost, cost_asset, cost_usd, refill, cancel, dripfeed,
      deactivated_reason, offered_rate, offered_min, offered_max, offer_gap, active)
  where service.id = new.id
  returning service.id`)

async function updateServices(tx: Tx, services: readonly Service[], now: Date): Promise<void> {
  const rows = await tx.query(update, [
    plainArray(services.map((service) => service.id)),
    textArray(services.map((service) => service.name)),
    textArray(services.map((service) => service.category)),
    textArray(services.map((service) => service.description)),
    textArray(services.map((service) => service.type)),
    plainArray(services.map((service) => service.rate)),
    plainArray(services.map((service) => service.min)),
    plainArray(services.map((service) => service.max)),
    plainArray(services.map((service) => service.cost)),
    textArray(services.map((service) => service.cost_asset)),
    plainArray(services.map((service) => service.cost_usd)),
    plainArray(services.map((service) => service.refill)),
    plainArray(services.map((service) => service.cancel)),
    plainArray(services.map((service) => service.dripfeed)),
    textArray(services.map((service) => service.deactivated_reason)),
    plainArray(services.map((service) => service.offered_rate)),
    plainArray(services.map((service) => service.offered_min)),
    plainArray(services.map((service) => service.offered_max)),
    textArray(services.map((service) => service.offer_gap)),
    now,
    plainArray(services.map((service) => service.active)),
  ])
  invariant(rows.length === services.length, 'importServices: a service vanished under the lock')
}

const insert = statement(`
  insert into catalog.service (provider_id, cost_asset, created_at, updated_at, position, provider_service_id, name, category,
    description, type, rate, offered_rate, min, offered_min, max, offered_max, cost, cost_usd, refill, cancel, dripfeed)
  select $1, $2, $3, $3, $4::int + new.place - 1, new.provider_service_id, new.name, new.category,
    new.description, new.type, new.rate, new.rate, new.min, new.min, new.max, new.max, new.cost, new.cost_usd,
    new.refill, new.cancel, new.dripfeed
  from unnest($5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::bigint[], $11::bigint[], $12::bigint[],
    $13::bigint[], $14::bigint[], $15::boolean[], $16::boolean[], $17::boolean[]) with ordinality
    as new (provider_service_id, name, category, description, type, rate, min, max, cost, cost_usd, refill, cancel,
      dripfeed, place)
  order by new.place`)

async function insertServices(
  tx: Tx,
  { provider_id, currency }: ImportServices,
  offered: readonly Offered[],
  first_position: number,
  now: Date,
): Promise<void> {
  await tx.query(insert, [
    provider_id,
    currency.asset,
    now,
    first_position,
    textArray(offered.map((row) => row.provider_service_id)),
    textArray(offered.map((row) => row.name)),
    textArray(offered.map((row) => row.category)),
    textArray(offered.map((row) => row.description)),
    textArray(offered.map((row) => row.type)),
    plainArray(offered.map((row) => row.rate)),
    plainArray(offered.map((row) => row.min)),
    plainArray(offered.map((row) => row.max)),
    plainArray(offered.map((row) => row.cost)),
    plainArray(offered.map((row) => row.cost_usd)),
    plainArray(offered.map((row) => row.refill)),
    plainArray(offered.map((row) => row.cancel)),
    plainArray(offered.map((row) => row.dripfeed)),
  ])
}
