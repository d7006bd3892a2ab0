import type { ParamName } from '#server/domains/providers/order-types.ts'

/** Why an order was not taken. `message` is for the caller, names the field, and is safe to show. */
export interface OrderRefusal {
  code:
    | 'service_not_found'
    | 'quantity_invalid'
    | 'quantity_below_min'
    | 'quantity_above_max'
    | 'link_invalid'
    | 'link_under_way'
    | 'comments_invalid'
    | 'parameter_invalid'
    | 'parameter_not_supported'
    | 'line_invalid'
    | 'insufficient_funds'
    | 'request_key_invalid'
    | 'request_key_reused'
    | 'charge_invalid'
    | 'daily_spend_limit_reached'
    | 'too_many_orders_in_flight'
    | 'quota_exceeded'
  field: 'service' | 'quantity' | 'link' | ParamName | 'runs' | 'interval' | 'request_id' | undefined
  message: string
  /** The limit that was missed, where there is one. */
  limit?: bigint
  /** Of a customer's own limit or a key's quota: how much it is, what is left of it, and when all of it is free again; without `resets_at`, as orders end. */
  allowance?: { limit: string; left: string; resets_at?: string }
  /** Which quota of the API key it is, and in how many seconds there may be room. */
  quota?: 'orders_per_day' | 'spend_per_day'
  retry_after_s?: number
}
