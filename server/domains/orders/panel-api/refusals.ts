import { SALE_ASSET } from '#server/domains/catalog/service.ts'
import { unreachable } from '#server/kit/invariant.ts'
import type { OrderRefusal } from '../errors.ts'
import type { RefillOutcome } from '../refilling/refill-orders.ts'

/** What the panels' form answers in `error`. Callers compare these texts, so they never change. */
export const ERRORS = {
  invalid_key: 'Invalid API key',
  suspended_key: 'This API key is suspended',
  incorrect_request: 'Incorrect request',
  not_permitted: 'This API key does not allow this action',
  too_many: 'Rate limit exceeded',
  internal: 'Internal error',
  order_id: 'Incorrect order ID',
  refill_id: 'Incorrect refill ID',
  too_many_ids: 'No more than 100 IDs at once',
  too_many_lines: 'No more than 100 orders at once',
  no_refill: 'Refill is not available for this order',
  refill_early: 'Refill is not available for this order yet',
  refill_over: 'Refill is not available for this order any more',
  refill_open: 'Refill is already in progress',
  no_cancel: 'Cancel is not available for this order',
} as const

/** The whole answer to a request that was refused. */
export function errorBody(message: string): string {
  return `{"error":${JSON.stringify(message)}}`
}

/** The panels' text for an order that is not refilled. */
export function refillRefusalText(code: Extract<RefillOutcome, { ok: false }>['code']): string {
  switch (code) {
    case 'order_not_found':
      return ERRORS.order_id
    case 'refill_too_early':
      return ERRORS.refill_early
    case 'refill_window_over':
    case 'refill_limit_reached':
      return ERRORS.refill_over
    case 'refill_under_way':
      return ERRORS.refill_open
    case 'order_not_delivered':
    case 'refill_not_available':
      return ERRORS.no_refill
    default:
      return unreachable(code)
  }
}

/** The panels' text for an order that was not taken. */
export function refusalText(refusal: OrderRefusal): string {
  switch (refusal.code) {
    case 'service_not_found':
      return 'Incorrect service ID'
    case 'quantity_invalid':
    case 'charge_invalid':
      return 'Incorrect quantity'
    case 'quantity_below_min':
      return `Quantity less than minimal ${refusal.limit}`
    case 'quantity_above_max':
      return `Quantity more than maximum ${refusal.limit}`
    case 'link_invalid':
      return 'Bad link'
    case 'link_under_way':
      return 'You have active order with this link. Please wait until order being completed.'
    case 'line_invalid':
      return 'Incorrect line'
    case 'comments_invalid':
      return 'Incorrect comments'
    case 'parameter_invalid':
      return `Incorrect ${refusal.field?.replaceAll('_', ' ')}`
    case 'parameter_not_supported':
      return 'Drip-feed is not available for this service'
    case 'insufficient_funds':
      return 'Not enough funds on balance'
    case 'daily_spend_limit_reached':
      return `Daily spend limit of ${refusal.allowance?.limit} reached, ${refusal.allowance?.left} left until ${refusal.allowance?.resets_at}`
    case 'too_many_orders_in_flight':
      return `Limit of ${refusal.allowance?.limit} orders in progress reached, ${refusal.allowance?.left} left until one ends`
    case 'quota_exceeded': {
      const what = refusal.quota === 'orders_per_day' ? 'orders' : SALE_ASSET
      const { limit, left, resets_at } = refusal.allowance ?? {}
      return `Daily quota of ${limit} ${what} for this API key reached, ${left} left until ${resets_at}`
    }
    case 'request_key_invalid':
      return 'Incorrect request ID'
    case 'request_key_reused':
      return 'This request ID was used for another order'
    default:
      return unreachable(refusal.code)
  }
}
