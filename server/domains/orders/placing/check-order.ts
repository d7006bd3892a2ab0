import { hasDripFeed } from '#server/domains/catalog/drip-feed.ts'
import type { Service } from '#server/domains/catalog/service.ts'
import { isPackage, typeRule } from '#server/domains/providers/order-types.ts'
import { AMOUNT_MAX } from '#server/kit/money.ts'
import type { Rhythm } from '../drip-feed/drip-feed.ts'
import type { OrderRefusal } from '../errors.ts'
import { priceOf } from '../order.ts'
import { type GivenParams, linesOf, readParams } from './read-params.ts'
import { asksForRuns, type GivenRhythm, readRhythm, withoutDripFeed } from './read-rhythm.ts'
import { isWebAddress } from './web-address.ts'

/** An order as a caller asks for it: texts as they came, nothing checked. */
export interface OrderRequest extends GivenParams, GivenRhythm {
  service_id: bigint
  link: string
  /** Digits; absent for the types whose quantity follows from other fields. */
  quantity?: string | undefined
  /** The caller's own key, up to 128 characters. */
  request_key?: string | undefined
}

/** What it asks for. Two requests of one key are the same when these are, whatever has become of the service and its price. */
export interface ReadOrder {
  quantity: bigint
  link: string
  params: Record<string, string>
  /** Of a drip-feed: the quantity is each run's. */
  rhythm?: Rhythm | undefined
}

/** What is needed to place it. Charge and cost are each run's. */
export interface CheckedOrder extends ReadOrder {
  charge: bigint
  expected_cost: bigint
}

const REQUEST_KEY_MAX = 128

/** Checks one request against its service and prices it. Pure. The refusal names the field and the reason. */
export function checkOrder(service: Service | undefined, request: OrderRequest): CheckedOrder | OrderRefusal {
  if (!service?.active) return refuse('service_not_found', 'service', 'There is no such service.')
  if (asksForRuns(request) && !hasDripFeed(service)) return withoutDripFeed(request)
  const read = readOrder(service, request)
  if (isRefusal(read)) return read
  const range = outOfRange(service, read)
  if (range) return range
  const charge = priceOf(service.type, service.rate, read.quantity)
  const expected_cost = priceOf(service.type, service.cost, read.quantity)
  const runs = BigInt(read.rhythm?.runs ?? 1)
  if (charge <= 0n || charge * runs > AMOUNT_MAX || expected_cost > AMOUNT_MAX) {
    return refuse('charge_invalid', 'quantity', 'No charge can be computed for this quantity.')
  }
  return { ...read, charge, expected_cost }
}

/** Reads what a request asks for, by its service's type alone: not whether it is sold, nor within which limits. Pure. */
export function readOrder(service: Pick<Service, 'type'>, request: OrderRequest): ReadOrder | OrderRefusal {
  const { about } = typeRule(service.type)
  const given = request.link.trim()
  if (about === undefined && !isWebAddress(given))
    return refuse('link_invalid', 'link', 'The link must be a web address of up to 2048 characters.')
  if (request.request_key !== undefined && !isRequestKey(request.request_key)) {
    return refuse('request_key_invalid', 'request_id', 'The request key has 1 to 128 characters, none of control.')
  }
  const asked = askedOf(service, request)
  if (isRefusal(asked)) return asked
  // What the work is about stands in its place, so that whatever goes by the link goes by that.
  const link = about === undefined ? given : (asked.params[about] ?? '')
  const rhythm = readRhythm(service.type, request)
  if (rhythm === undefined) return { ...asked, link }
  return isRefusal(rhythm) ? rhythm : { ...asked, link, rhythm }
}

/** Whether `checkOrder` or `readOrder` refused. */
export function isRefusal(checked: object): checked is OrderRefusal {
  return 'code' in checked
}

function askedOf({ type }: Pick<Service, 'type'>, request: OrderRequest): Omit<ReadOrder, 'link'> | OrderRefusal {
  const { counted } = typeRule(type)
  const quantity = request.quantity?.trim() ?? ''
  if (counted === 'quantity' && !/^\d{1,12}$/.test(quantity)) {
    return refuse('quantity_invalid', 'quantity', 'The quantity must be a whole number.')
  }
  const params = readParams(type, request)
  if (isRefusal(params)) return params
  switch (counted) {
    case 'quantity':
      return { quantity: BigInt(quantity), params }
    case 'package':
      return { quantity: 1n, params }
    case 'post':
      return { quantity: BigInt(params.max ?? 0), params }
    default:
      return { quantity: BigInt(linesOf(params[counted] ?? '').length), params }
  }
}

/** Whether a caller's key can be one. */
export function isRequestKey(key: string): boolean {
  return key.length > 0 && key.length <= REQUEST_KEY_MAX && /^\P{C}*$/u.test(key)
}

/** Each run is an order of its own and has to reach the minimum; the maximum is for all runs together, as panels count. */
function outOfRange(service: Service, { quantity, params, rhythm }: ReadOrder): OrderRefusal | undefined {
  // A package is one, whatever its limits say.
  if (isPackage(service.type)) return undefined
  if (typeRule(service.type).counted === 'post') return postOutOfRange(service, params)
  if (quantity < service.min) {
    const message = `The quantity is below the minimum of ${service.min}.`
    return { code: 'quantity_below_min', field: 'quantity', message, limit: service.min }
  }
  if (quantity * BigInt(rhythm?.runs ?? 1) > service.max) {
    const what = rhythm ? 'The quantity of all runs together' : 'The quantity'
    const message = `${what} is above the maximum of ${service.max}.`
    return { code: 'quantity_above_max', field: 'quantity', message, limit: service.max }
  }
  return undefined
}

/** The limits of the service are those of each post. */
function postOutOfRange(service: Service, { min = '0', max = '0' }: Record<string, string>): OrderRefusal | undefined {
  if (BigInt(min) > BigInt(max)) {
    return refuse('parameter_invalid', 'max', 'The most for a post must not be below the fewest.')
  }
  if (BigInt(min) < service.min) {
    const message = `The fewest for a post are below the minimum of ${service.min}.`
    return { code: 'quantity_below_min', field: 'min', message, limit: service.min }
  }
  if (BigInt(max) > service.max) {
    const message = `The most for a post are above the maximum of ${service.max}.`
    return { code: 'quantity_above_max', field: 'max', message, limit: service.max }
  }
  return undefined
}

function refuse(code: OrderRefusal['code'], field: OrderRefusal['field'], message: string): OrderRefusal {
  return { code, field, message }
}
