import type { Service } from '#server/domains/catalog/service.ts'
import { AMOUNT_MAX } from '#server/kit/money.ts'
import type { OrderRefusal } from './errors.ts'
import { priceOf } from './order.ts'

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

/** What is needed to place it. */
export interface CheckedOrder {
  quantity: bigint
  link: string
  params: Record<string, string>
  charge: bigint
  expected_cost: bigint
}

/** As long as browsers take. */
const LINK_MAX = 2048
/** A comment of several screens is a mistake in the line breaks. */
const COMMENT_MAX = 2_000
const COMMENTS_BYTES_MAX = 256 * 1024
const REQUEST_KEY_MAX = 128

/** Checks one request against its service and prices it. Pure. The refusal names the field and the reason. */
export function checkOrder(service: Service | undefined, request: OrderRequest): CheckedOrder | OrderRefusal {
  if (!service?.active) return refuse('service_not_found', 'service', 'There is no such service.')
  const link = request.link.trim()
  if (!isLink(link)) return refuse('link_invalid', 'link', 'The link must be a web address of up to 2048 characters.')
  const key = request.request_key
  if (key !== undefined && (key.length === 0 || key.length > REQUEST_KEY_MAX)) {
    return refuse('request_key_invalid', 'request_id', 'The request key has 1 to 128 characters.')
  }
  for (const field of ['runs', 'interval'] as const) {
    if (isSet(request[field])) return refuse('parameter_not_supported', field, 'This service has no drip-feed.')
  }
  const asked = askedOf(service, request)
  if ('code' in asked) return asked
  const range = outOfRange(service, asked.quantity)
  if (range) return range
  const charge = priceOf(service.type, service.rate, asked.quantity)
  const expected_cost = priceOf(service.type, service.cost, asked.quantity)
  if (charge <= 0n || charge > AMOUNT_MAX || expected_cost > AMOUNT_MAX) {
    return refuse('charge_invalid', 'quantity', 'No charge can be computed for this quantity.')
  }
  return { ...asked, link, charge, expected_cost }
}

/** Whether `checkOrder` refused. */
export function isRefusal(checked: object): checked is OrderRefusal {
  return 'code' in checked
}

function askedOf(
  service: Service,
  request: OrderRequest,
): { quantity: bigint; params: Record<string, string> } | OrderRefusal {
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
  }
}

function linesOf(comments: string | undefined): string[] | undefined {
  if (comments === undefined || comments.length > COMMENTS_BYTES_MAX) return undefined
  const lines = comments
    .split(/\r\n|\n|\r/)
    .map((line) => line.trim())
    .filter((line) => line !== '')
  return lines.length === 0 || lines.some((line) => line.length > COMMENT_MAX) ? undefined : lines
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
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it refuses
  if (link.length === 0 || link.length > LINK_MAX || /[\s\u0000-\u001f\u007f]/.test(link)) return false
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(link)?.[1]?.toLowerCase()
  const text = scheme === undefined ? `https://${link}` : link
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
