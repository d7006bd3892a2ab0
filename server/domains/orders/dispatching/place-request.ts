import type { PlaceRequest } from '#server/domains/providers/provider.ts'
import type { Order } from '../order.ts'

/** What is sent to place an order, under the key of its attempt. */
export function placeRequest(order: Order, attempt_key: string): PlaceRequest {
  const { provider_service_id, type, link, quantity, params } = order
  return { attempt_key, provider_service_id, type, link, quantity, params }
}
