import type { App } from '#server/platform/app.ts'
import { Conditions } from '#server/platform/db/conditions.ts'
import { DESK_COLUMNS, DESK_PAGE_MAX, type DeskOrder } from '../desk/list-orders.ts'
import { readCases } from './claim-cases.ts'
import type { Finding, UnknownCase } from './unknown-case.ts'

/** What staff look for among the orders of unknown fate. All that is given must hold. Amounts are minor units of what the customer pays. */
export interface CaseFilter {
  provider_id?: bigint | undefined
  service_id?: bigint | undefined
  customer_id?: bigint | undefined
  /** Waiting since this moment or longer. */
  waiting_before?: Date | undefined
  charge_min?: bigint | undefined
  charge_max?: bigint | undefined
  finding?: Finding | undefined
}

/** An order of unknown fate and its case; none as long as no worker came to it. */
export interface ListedCase {
  order: DeskOrder
  unknown: UnknownCase | undefined
}

/** The orders of unknown fate that pass the filter, those placed first foremost, above the id `after` where it is given. `limit` is cut at DESK_PAGE_MAX. */
export async function listCases(
  app: Pick<App, 'db'>,
  filter: CaseFilter,
  { after, limit }: { after?: bigint | undefined; limit: number },
): Promise<{ cases: ListedCase[]; has_more: boolean }> {
  const page = Math.max(1, Math.min(limit, DESK_PAGE_MAX))
  const where = conditionsOf(filter)
  if (after !== undefined) where.add(`id > ${where.value(after)}`)
  const found = await app.db.query<DeskOrder>(
    `select ${DESK_COLUMNS} from orders.orders where ${where.sql} order by id limit ${page + 1}`,
    where.values,
  )
  const orders = found.slice(0, page)
  return { cases: await withCases(app, orders), has_more: found.length > page }
}

/** Each of these orders with its case. */
export async function withCases(app: Pick<App, 'db'>, orders: readonly DeskOrder[]): Promise<ListedCase[]> {
  const keys = orders.flatMap(({ attempt }) => attempt ?? [])
  const cases = new Map((await readCases(app.db, keys)).map((unknown) => [unknown.attempt.key, unknown]))
  return orders.map((order) => ({ order, unknown: cases.get(order.attempt ?? '') }))
}

/** What waits in all: orders, and money by what customers paid with and what the orders cost. Amounts in minor units. */
export interface Waiting {
  asset: string
  cost_asset: string
  cost_scale: number
  orders: number
  charge: bigint
  cost: bigint
  oldest: Date
}

/** How much of what passes the filter waits, by the assets it is in. */
export async function sumCases(app: Pick<App, 'db'>, filter: CaseFilter): Promise<Waiting[]> {
  const where = conditionsOf(filter)
  return app.db.query<Waiting>(
    `select asset, cost_asset, (select scale from ledger.asset where code = cost_asset)::int as cost_scale,
      count(*)::int as orders, sum(charge)::bigint as charge, sum(expected_cost)::bigint as cost, min(waiting_since) as oldest
    from orders.orders where ${where.sql} group by asset, cost_asset order by asset, cost_asset`,
    where.values,
  )
}

function conditionsOf(filter: CaseFilter): Conditions {
  const { provider_id, service_id, customer_id, waiting_before, charge_min, charge_max, finding } = filter
  const where = new Conditions()
  where.add(`state = 'unknown'`)
  if (provider_id !== undefined) where.add(`provider_id = ${where.value(provider_id)}`)
  if (service_id !== undefined) where.add(`service_id = ${where.value(service_id)}`)
  if (customer_id !== undefined) where.add(`customer_id = ${where.value(customer_id)}`)
  if (waiting_before) where.add(`waiting_since <= ${where.value(waiting_before)}`)
  if (charge_min !== undefined) where.add(`charge >= ${where.value(charge_min)}`)
  if (charge_max !== undefined) where.add(`charge <= ${where.value(charge_max)}`)
  if (finding) {
    const found = `select from orders.unknown_case c where c.attempt = orders.attempt and c.finding = ${where.value(finding)}`
    where.add(`exists (${found})`)
  }
  return where
}
