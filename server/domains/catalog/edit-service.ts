import { type Actor, SYSTEM } from '#server/domains/audit/act.ts'
import { differences } from '#server/domains/audit/differences.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import type { Tx } from '#server/platform/db/database.ts'
import { ExchangeRateMissingError, ServiceEditRefusedError, ServiceNotFoundError } from './errors.ts'
import { priceService } from './price-service.ts'
import { readPricing } from './pricing.ts'
import { lockServicesOf, selectService } from './queries.ts'
import { forgetServices } from './sellable-services.ts'
import { type CatalogApp, type DuplicateLinks, QUANTITY_MAX, RATE_MAX, type Service, termsOf } from './service.ts'
import { writeServices } from './write-services.ts'

/** What staff set. A field left out stays as it is; null goes back to what the provider's offer says, at once but for the category. */
export interface EditService {
  service_id: bigint
  /** Micro-USD per 1000, or for one package. */
  rate?: bigint | null
  min?: bigint | null
  max?: bigint | null
  active?: boolean
  /** Our own category; null leaves the one that it has until the provider's next list. */
  category?: string | null
  /** Whether two orders for one link may be under way. */
  duplicate_links?: DuplicateLinks
  /** Who sets them; the house itself when absent. */
  by?: Actor
  reason?: string
}

/**
 * Sets rate, limits, whether the service is sold, its category and its rule for links; later imports respect it. Answers the service as it then stands; an edit that changes nothing
 * writes nothing. Throws ServiceNotFoundError; ServiceEditRefusedError for a rate below the cost or out of range, limits that the provider does not
 * serve, and for switching on what it does not offer; ExchangeRateMissingError where the cost is not known in dollars.
 */
export async function editService(app: CatalogApp, edit: EditService): Promise<Service> {
  const before = await selectService(app.db, edit.service_id)
  if (!before) throw new ServiceNotFoundError(edit.service_id)
  const after = await app.db.transaction(async (tx) => {
    await lockServicesOf(tx, before.provider_id)
    const service = await selectService(tx, edit.service_id)
    if (!service) throw new ServiceNotFoundError(edit.service_id)
    const placed = edit.category === undefined ? service : await placeIn(app, tx, service, edit.category)
    const next = decide(placed, edit)
    const changed = differences(service, next, Object.keys(next) as (keyof Service)[])
    if (!changed) return service
    const { by: actor = SYSTEM, reason } = edit
    const cause = { cause: 'staff', user_id: actor.user_id ?? null, at: app.clock.now() } as const
    await writeServices(tx, [{ before: service, after: next }], cause)
    const subject = { kind: 'service', id: next.id }
    recordActs(tx, [{ action: 'services.edited', actor, subject, ...changed, ...(reason && { reason }) }])
    return { ...next, version: service.version + 1n }
  })
  await forgetServices(app)
  return after
}

/** In another category another rule may price it. */
async function placeIn(app: CatalogApp, tx: Tx, service: Service, staff_category: string | null): Promise<Service> {
  const moved = { ...service, staff_category, category: staff_category ?? service.category }
  return priceService(moved, await readPricing(tx, app))
}

function decide(service: Service, edit: EditService): Service {
  const next: Service = {
    ...service,
    staff_rate: edit.rate === undefined ? service.staff_rate : edit.rate,
    staff_min: edit.min === undefined ? service.staff_min : edit.min,
    staff_max: edit.max === undefined ? service.staff_max : edit.max,
    staff_off: edit.active === undefined ? service.staff_off : !edit.active,
    duplicate_links: edit.duplicate_links ?? service.duplicate_links,
  }
  checkRanges(next)
  const { rate, min, max, active } = edit
  // To switch it off, and what does not touch its terms, is always possible.
  if (active === true || [rate, min, max].some((term) => term !== undefined)) checkSellable(next, edit)
  return { ...next, ...termsOf(next) }
}

/** Judged as if it were sold, so that what is off holds no terms either that could not be sold at. */
function checkSellable(next: Service, edit: EditService): void {
  if (edit.active === true && next.offer_gap) {
    throw new ServiceEditRefusedError(
      'not_on_offer',
      `The provider does not offer this service now: ${next.offer_gap}.`,
    )
  }
  const { deactivated_reason } = termsOf({ ...next, staff_off: false, offer_gap: null })
  if (deactivated_reason === 'limits_conflict') {
    throw new ServiceEditRefusedError('limits_out_of_range', 'The provider serves no quantity within these limits.')
  }
  if (deactivated_reason === 'no_exchange_rate') throw new ExchangeRateMissingError(next.cost_asset)
  if (deactivated_reason === 'rate_out_of_range') {
    throw new ServiceEditRefusedError('rate_out_of_range', `The rate or the cost is not below ${RATE_MAX} micro-USD.`)
  }
  if (deactivated_reason === 'below_cost') {
    throw new ServiceEditRefusedError('rate_below_cost', 'The rate is below the cost.')
  }
}

function checkRanges({ staff_rate, staff_min, staff_max }: Service): void {
  if (staff_rate !== null && (staff_rate < 0n || staff_rate > RATE_MAX)) {
    throw new ServiceEditRefusedError('rate_out_of_range', `The rate is outside 0 to ${RATE_MAX} micro-USD.`)
  }
  for (const limit of [staff_min, staff_max]) {
    if (limit !== null && (limit < 1n || limit > QUANTITY_MAX)) {
      throw new ServiceEditRefusedError('limits_out_of_range', `A limit is outside 1 to ${QUANTITY_MAX}.`)
    }
  }
}
