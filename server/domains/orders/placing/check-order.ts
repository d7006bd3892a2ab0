import type { Service } from '#server/domains/catalog/service.ts'
import { unreachable } from '#server/kit/invariant.ts'
import { AMOUNT_MAX } from '#server/kit/money.ts'
import type { OrderRefusal } from '../errors.ts'
import { priceOf } from '../order.ts'

/** An order as a caller asks for it: texts as they came, nothing checked. */
export interface OrderRequest {
  service_id: bigint
  link: string
  /** Digits; absent for the types whose quantity follows from other fields. */
  quantity?: string | undefined
  comments?: string | undefined
  runs?: string | undefined
  interval?: string | undefined
  /** The caller's own key, up to 128 characters. */
  request_key?: string | undefined
}

/** What it asks for. Two requests of one key are the same when these are, whatever has become of the service and its price. */
export interface ReadOrder {
  quantity: bigint
  link: string
  params: Record<string, string>
}

/** What is needed to place it. */
export interface CheckedOrder extends ReadOrder {
  charge: bigint
  expected_cost: bigint
}

/** As long as browsers take. */
const LINK_MAX = 2048
/** A comment of several screens is a mistake in the line breaks. */
const COMMENT_MAX = 2_000
const COMMENTS_CHARS_MAX = 256 * 1024
const REQUEST_KEY_MAX = 128

/** Checks one request against its service and prices it. Pure. The refusal names the field and the reason. */
export function checkOrder(service: Service | undefined, request: OrderRequest): CheckedOrder | OrderRefusal {
  if (!service?.active) return refuse('service_not_found', 'service', 'There is no such service.')
  const read = readOrder(service, request)
  if (isRefusal(read)) return read
  const range = outOfRange(service, read.quantity)
  if (range) return range
  const charge = priceOf(service.type, service.rate, read.quantity)
  const expected_cost = priceOf(service.type, service.cost, read.quantity)
  if (charge <= 0n || charge > AMOUNT_MAX || expected_cost > AMOUNT_MAX) {
    return refuse('charge_invalid', 'quantity', 'No charge can be computed for this quantity.')
  }
  return { ...read, charge, expected_cost }
}

/** Reads what a request asks for, by its service's type alone: not whether it is sold, nor within which limits. Pure. */
export function readOrder(service: Pick<Service, 'type'>, request: OrderRequest): ReadOrder | OrderRefusal {
  const link = request.link.trim()
  if (!isLink(link)) return refuse('link_invalid', 'link', 'The link must be a web address of up to 2048 characters.')
  if (request.request_key !== undefined && !isRequestKey(request.request_key)) {
    return refuse('request_key_invalid', 'request_id', 'The request key has 1 to 128 characters, none of control.')
  }
  for (const field of ['runs', 'interval'] as const) {
    if (isSet(request[field])) return refuse('parameter_not_supported', field, 'This service has no drip-feed.')
  }
  const asked = askedOf(service, request)
  return isRefusal(asked) ? asked : { ...asked, link }
}

/** Whether `checkOrder` or `readOrder` refused. */
export function isRefusal(checked: object): checked is OrderRefusal {
  return 'code' in checked
}

function askedOf(service: Pick<Service, 'type'>, request: OrderRequest): Omit<ReadOrder, 'link'> | OrderRefusal {
  switch (service.type) {
    case 'Default': {
      const text = request.quantity?.trim() ?? ''
      if (!/^\d{1,12}$/.test(text))
        return refuse('quantity_invalid', 'quantity', 'The quantity must be a whole number.')
      return { quantity: BigInt(text), params: {} }
    }
    case 'Package':
      return { quantity: 1n, params: {} }
    case 'Custom Comments': {
      const lines = linesOf(request.comments)
      if (!lines) {
        const message = 'One comment a line, each of up to 2000 characters, at least one.'
        return refuse('comments_invalid', 'comments', message)
      }
      return { quantity: BigInt(lines.length), params: { comments: lines.join('\n') } }
    }
    default:
      return unreachable(service.type)
  }
}

function linesOf(comments: string | undefined): string[] | undefined {
  if (comments === undefined || comments.length > COMMENTS_CHARS_MAX) return undefined
  const lines = comments
    .split(/\r\n|\n|\r/)
    .map((line) => line.trim())
    .filter((line) => line !== '')
  const good = lines.length > 0 && lines.every((line) => line.length <= COMMENT_MAX && isStorable(line))
  return good ? lines : undefined
}

/** PostgreSQL takes neither NUL nor halves of surrogate pairs, and one such text would fail its whole batch. */
function isStorable(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed()
}

/** Whether a caller's key can be one. */
export function isRequestKey(key: string): boolean {
  return key.length > 0 && key.length <= REQUEST_KEY_MAX && /^\P{C}*$/u.test(key)
}

function outOfRange(service: Service, quantity: bigint): OrderRefusal | undefined {
  // A package is one, whatever its limits say.
  if (service.type === 'Package') return undefined
  if (quantity < service.min) {
    const message = `The quantity is below the minimum of ${service.min}.`
    return { code: 'quantity_below_min', field: 'quantity', message, limit: service.min }
  }
  if (quantity > service.max) {
    const message = `The quantity is above the maximum of ${service.max}.`
    return { code: 'quantity_above_max', field: 'quantity', message, limit: service.max }
  }
  return undefined
}

/** A web address, with or without its scheme; other schemes, blanks and control characters are no link. */
function isLink(link: string): boolean {
  if (link.length > LINK_MAX || !/^[^\s\p{Cc}\p{Cs}]+$/u.test(link)) return false
  // What stands before a colon and digits is a host and its port.
  const text = /^[a-z][a-z0-9+.-]*:(?!\d)/i.test(link) ? link : `https://${link}`
  if (!URL.canParse(text)) return false
  const url = new URL(text)
  return (url.protocol === 'https:' || url.protocol === 'http:') && url.hostname.includes('.')
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value.trim() !== '' && value.trim() !== '0'
}

function refuse(code: OrderRefusal['code'], field: OrderRefusal['field'], message: string): OrderRefusal {
  return { code, field, message }
}
