import { type Actor, SYSTEM } from '#server/domains/audit/act.ts'
import { differences } from '#server/domains/audit/differences.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import { statement } from '#server/platform/db/database.ts'
import { ServiceEditRefusedError, ServiceNotFoundError } from './errors.ts'
import { lockServicesOf, selectService } from './queries.ts'
import { forgetServices } from './sellable-services.ts'
import { type CatalogApp, QUANTITY_MAX, RATE_MAX, type Service, termsOf } from './service.ts'

/** What staff set. A field left out stays as it is; null goes back to what the provider's offer says. */
export interface EditService {
  service_id: bigint
  /** Micro-USD per 1000, or for one package. */
  rate?: bigint | null
  min?: bigint | null
  max?: bigint | null
  active?: boolean
  /** Who sets them; the house itself when absent. */
  by?: Actor
  reason?: string
}

const update = statement(`
  update catalog.service set
    staff_rate = $2, staff_min = $3, staff_max = $4, staff_off = $5,
    rate = $6, min = $7, max = $8, active = $9, deactivated_reason = $10,
    version = version + 1, updated_at = $11
  where id = $1`)

/**
 * Sets rate, limits and whether the service is sold; later imports respect it. Answers the service as it then stands; an edit that changes nothing
 * writes nothing. Throws ServiceNotFoundError; ServiceEditRefusedError for a rate below the cost or out of range, limits that the provider does not
 * serve, and for switching on what it does not offer.
 */
export async function editService(app: CatalogApp, edit: EditService): Promise<Service> {
  const before = await selectService(app.db, edit.service_id)
  if (!before) throw new ServiceNotFoundError(edit.service_id)
  const after = await app.db.transaction(async (tx) => {
    await lockServicesOf(tx, before.provider_id)
    const service = await selectService(tx, edit.service_id)
    if (!service) throw new ServiceNotFoundError(edit.service_id)
    const next = decide(service, edit)
    const changed = differences(service, next, Object.keys(next) as (keyof Service)[])
    if (!changed) return service
    await tx.query(update, [
      next.id,
      next.staff_rate,
      next.staff_min,
      next.staff_max,
      next.staff_off,
      next.rate,
      next.min,
      next.max,
      next.active,
      next.deactivated_reason,
      app.clock.now(),
    ])
    const { by: actor = SYSTEM, reason } = edit
    const subject = { kind: 'service', id: next.id }
    recordActs(tx, [{ action: 'services.edited', actor, subject, ...changed, ...(reason && { reason }) }])
    return { ...next, version: service.version + 1n }
  })
  await forgetServices(app)
  return after
}

function decide(service: Service, edit: EditService): Service {
  const next: Service = {
    ...service,
    staff_rate: edit.rate === undefined ? service.staff_rate : edit.rate,
    staff_min: edit.min === undefined ? service.staff_min : edit.min,
    staff_max: edit.max === undefined ? service.staff_max : edit.max,
    staff_off: edit.active === undefined ? service.staff_off : !edit.active,
  }
  checkRanges(next)
  const onlySwitchesOff =
    edit.active === false && edit.rate === undefined && edit.min === undefined && edit.max === undefined
  if (!onlySwitchesOff) checkSellable(next, edit)
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
