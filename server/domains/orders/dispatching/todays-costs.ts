import { SALE_ASSET } from '#server/domains/catalog/service.ts'
import { AMOUNT_MAX, formatAmount } from '#server/kit/money.ts'
import { int8Array, textArray } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { type Order, priceOf } from '../order.ts'

/** An order, and what sending it now means. */
export interface CostedOrder {
  order: Order
  /** What its provider is expected to take today, in minor units of its `cost_asset`. */
  expected_cost: bigint
  /** In words for staff: why that is a loss; undefined when it is none. */
  loss: string | undefined
}

/** What a service costs: minor units of `cost_asset`, and micro-USD; per 1000, or for one package. */
interface ServiceCost {
  provider_id: bigint
  provider_service_id: string
  cost: bigint
  cost_asset: string
  cost_usd: bigint | null
}

// One probe for each of the few services that a claim is about.
const costsOf = statement(`
  select provider_id, provider_service_id, cost, cost_asset, cost_usd
  from (select distinct * from unnest($1::bigint[], $2::text[]) as asked (provider_id, provider_service_id)) as asked
  join catalog.service using (provider_id, provider_service_id)`)

/**
 * Tells of orders what they cost today, and which would be sent at a loss: costs rise between placing and dispatch, and currencies do. Read behind the locks on the orders, so that
 * a refresh which has committed counts. Answers in the order given.
 */
export async function todaysCosts(tx: Pick<Tx, 'query'>, orders: readonly Order[]): Promise<CostedOrder[]> {
  if (orders.length === 0) return []
  const rows = await tx.query<ServiceCost>(costsOf, [
    int8Array(orders.map((order) => order.provider_id)),
    textArray(orders.map((order) => order.provider_service_id)),
  ])
  const costs = new Map(rows.map((row) => [nameOf(row), row]))
  return orders.map((order) => costed(order, costs.get(nameOf(order))))
}

function nameOf(service: Pick<ServiceCost, 'provider_id' | 'provider_service_id'>): string {
  return `${service.provider_id}/${service.provider_service_id}`
}

/** An order, when its service costs this today. Pure. What is not known today is as it was at placing. */
export function costed(order: Order, cost: Omit<ServiceCost, 'provider_service_id'> | undefined): CostedOrder {
  if (cost === undefined || cost.cost_asset !== order.cost_asset) {
    return { order, expected_cost: order.expected_cost, loss: undefined }
  }
  const expected_cost = atMost(priceOf(order.type, cost.cost, order.quantity))
  return { order, expected_cost, loss: lossOf(order, expected_cost, cost.cost_usd) }
}

function lossOf(order: Order, expected_cost: bigint, cost_usd: bigint | null): string | undefined {
  if (cost_usd === null) {
    // Nobody knows what it costs in dollars. While the provider takes no more than it did, its price covers it as it did.
    const is_covered = expected_cost <= order.expected_cost && order.accepted_cost === null
    return is_covered ? undefined : `It has become dearer, and no exchange rate of ${order.cost_asset} is fresh.`
  }
  const usd = priceOf(order.type, cost_usd, order.quantity)
  if (usd <= order.charge) return undefined
  return `It was sold for ${usdText(order.charge)} and costs ${usdText(usd)} now.`
}

/** Whether it must not be sent now: at a loss, and at a higher one than staff accept. Pure. */
export function isTooDear({ order, expected_cost, loss }: CostedOrder): boolean {
  return loss !== undefined && (order.accepted_cost === null || expected_cost > order.accepted_cost)
}

function usdText(micro: bigint): string {
  return `${formatAmount(micro, 6, 2)} ${SALE_ASSET}`
}

/** A provider may name any price. */
function atMost(amount: bigint): bigint {
  return amount > AMOUNT_MAX ? AMOUNT_MAX : amount
}
