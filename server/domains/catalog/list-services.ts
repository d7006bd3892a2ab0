import { Conditions } from '#server/platform/db/conditions.ts'
import type { Db } from '#server/platform/db/database.ts'
import { SERVICE_COLUMNS } from './queries.ts'
import type { DeactivatedReason, Service } from './service.ts'

/** More are asked for page by page. */
export const SERVICES_PAGE_MAX = 500

/** A service, with the decimal digits of the asset that it costs. */
export type ListedService = Service & { cost_scale: number }

/** What staff look for. All that is given must hold. */
export interface ServiceFilter {
  id?: bigint | undefined
  provider_id?: bigint | undefined
  category?: string | undefined
  sold?: boolean | undefined
  not_sold_because?: DeactivatedReason | undefined
  /** Part of the name, in capitals or not. */
  name?: string | undefined
}

/** The services that pass the filter, by their numbers, those behind one where it is given. */
export async function listServices(
  db: Pick<Db, 'query'>,
  filter: ServiceFilter,
  { behind = 0n, limit }: { behind?: bigint | undefined; limit: number },
): Promise<{ services: ListedService[]; has_more: boolean }> {
  const page = Math.max(1, Math.min(limit, SERVICES_PAGE_MAX))
  const where = new Conditions()
  const { id, provider_id, category, sold, not_sold_because, name } = filter
  where.add(`id > ${where.value(behind)}`)
  if (id !== undefined) where.add(`id = ${where.value(id)}`)
  if (provider_id !== undefined) where.add(`provider_id = ${where.value(provider_id)}`)
  if (category !== undefined) where.add(`category = ${where.value(category)}`)
  if (sold !== undefined) where.add(`active = ${where.value(sold)}`)
  if (not_sold_because !== undefined) where.add(`deactivated_reason = ${where.value(not_sold_because)}`)
  if (name !== undefined) where.add(`position(lower(${where.value(name)}) in lower(name)) > 0`)
  const services = await db.query<ListedService>(
    `select ${SERVICE_COLUMNS}, (select scale from ledger.asset where code = cost_asset)::int as cost_scale
    from catalog.service where ${where.sql} order by id limit ${page + 1}`,
    where.values,
  )
  return { services: services.slice(0, page), has_more: services.length > page }
}
