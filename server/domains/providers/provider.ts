import type { OrderType } from './order-types.ts'

/** What is sent to a provider to place one order. */
export interface PlaceRequest {
  /** Our attempt's key; sent only to providers that know idempotent placing. */
  attempt_key: string
  provider_service_id: string
  type: OrderType
  link: string
  /** What is billed. Sent only for the types whose quantity does not follow from other fields. */
  quantity: bigint
  /** The type's parameters, as `order-types.ts` has them. */
  params: Readonly<Record<string, string>>
}

/** Why a provider refused, in our words. `other` keeps the provider's own text. */
export type RejectionCode =
  | 'insufficient_provider_balance'
  | 'invalid_key'
  | 'service_not_found'
  | 'duplicate_link'
  | 'bad_link'
  | 'quantity_out_of_range'
  | 'bad_parameters'
  | 'rate_limited'
  | 'not_sent'
  | 'other'

/** Whether a refusal says that the provider did not listen: the call never left, was one too many, or came under a key that it does not take. The same may be asked again. */
export function wasNotHeard(code: RejectionCode): boolean {
  return code === 'not_sent' || code === 'rate_limited' || code === 'invalid_key'
}

/**
 * How a call that changes something at the provider ended. There are three ways and no fourth: `rejected` is a proof that nothing was done,
 * `unknown` covers all that is neither proof, and forbids sending again.
 */
export type CallOutcome<Accepted extends object = object> =
  | ({ outcome: 'accepted' } & Accepted)
  | { outcome: 'rejected'; code: RejectionCode; message: string }
  | { outcome: 'unknown'; reason: UnknownReason; message: string }

/** How placing one order ended. */
export type PlaceOutcome = CallOutcome<{ provider_order_id: string; charge: bigint | undefined }>

/** How asking for an order's end went. Accepted says that the provider took the wish, and nothing of what becomes of the order. */
export type CancelOutcome = CallOutcome

/** How asking for a refill went. */
export type RefillOutcome = CallOutcome<{ provider_refill_id: string }>

export type UnknownReason = 'timeout' | 'connection_lost' | 'server_error' | 'unreadable_answer' | 'interrupted'

/** A read that failed: nothing changed, so it may be asked again. */
export class ProviderReadError extends Error {
  override name = 'ProviderReadError'
  readonly reason:
    | 'unreachable'
    | 'timeout'
    | 'server_error'
    | 'unreadable_answer'
    | 'invalid_key'
    | 'rate_limited'
    | 'refused'

  constructor(reason: ProviderReadError['reason'], message: string, cause?: unknown) {
    super(message, { cause })
    this.reason = reason
  }
}

/** Statuses of an order at a provider, in one spelling. The last three are of subscriptions alone. */
export type ProviderStatus =
  | 'pending'
  | 'in_progress'
  | 'processing'
  | 'completed'
  | 'partial'
  | 'cancelled'
  | 'failed'
  | 'active'
  | 'paused'
  | 'expired'

/** An order that a provider has begun for a post of a subscription. */
export interface ReportedPost {
  provider_order_id: string
  /** Undefined where it is not told. */
  quantity: bigint | undefined
}

/** One order's state at the provider. An absent figure was not given or not readable; it is never taken for zero. */
export type StatusRow =
  | {
      ok: true
      status: ProviderStatus
      /** The provider's own word, cut to 100 characters. */
      raw_status: string
      /** Minor units of the provider's asset; net, after refunds. */
      charge: bigint | undefined
      currency: string | undefined
      start_count: bigint | undefined
      remains: bigint | undefined
      /** Of a subscription: the orders that it has become so far, each once. Absent is none; unreadable is a list of which nothing counts, and a matter of subscriptions alone. */
      posts?: readonly ReportedPost[] | 'unreadable'
    }
  | { ok: false; reason: 'not_found' | 'error' | 'missing' | 'unreadable'; message: string }

/** Statuses of a refill at a provider, in one spelling. The first two are under way, the others final. */
export type RefillStatus = 'pending' | 'in_progress' | 'completed' | 'rejected' | 'error'

/** One refill's state at the provider; `raw_status` is its own word, cut to 100 characters. */
export type RefillRow =
  | { ok: true; status: RefillStatus; raw_status: string }
  | { ok: false; reason: 'not_found' | 'error' | 'missing' | 'unreadable'; message: string }

/** A service as a provider offers it. */
export interface ProviderService {
  provider_service_id: string
  name: string
  category: string
  /** Undefined when Saldo does not sell this type yet. */
  type: OrderType | undefined
  raw_type: string
  /** Minor units of the provider's asset per 1000, or for one package. */
  rate: bigint
  min: bigint
  max: bigint
  refill: boolean
  cancel: boolean
  dripfeed: boolean
  description: string | undefined
}

/** An order as its provider lists it. An absent figure was not given or not readable. */
export interface ListedOrder {
  provider_order_id: string
  provider_service_id: string
  link: string
  quantity: bigint | undefined
  /** By the provider's clock. */
  created_at: Date
  /** Minor units of the provider's asset. */
  charge: bigint | undefined
}

/** What a provider lists. */
export interface OrderList {
  orders: ListedOrder[]
  /** Whether these are all: every page was read, and every row could be. */
  complete: boolean
  /** The provider's clock when it answered last; undefined when it does not tell, and then what is absent proves nothing. */
  now: Date | undefined
}

/** What every adapter offers, over one provider's own protocol. All calls are bounded by the provider's time-out, concurrency and rate limit, and logged masked. */
export interface Provider {
  /** The largest number of orders `statuses` takes. */
  readonly statuses_max: number
  /** Never throws for what the provider did; an unreachable provider is an outcome. */
  place(request: PlaceRequest, context: CallContext): Promise<PlaceOutcome>
  /** Throws ProviderReadError when the whole batch could not be read. Every id asked for has a row in the answer. */
  statuses(provider_order_ids: readonly string[]): Promise<Map<string, StatusRow>>
  /** Asks for one order's end. One call, whatever happens; never throws for what the provider did. */
  cancel(provider_order_id: string, context: CallContext): Promise<CancelOutcome>
  /** Asks for one order's refill. One call, whatever happens; never throws for what the provider did. */
  refill(provider_order_id: string, context: CallContext): Promise<RefillOutcome>
  /** At most `statuses_max`. Throws ProviderReadError when the whole batch could not be read. Every id asked for has a row in the answer. */
  refillStatuses(provider_refill_ids: readonly string[]): Promise<Map<string, RefillRow>>
  /** Throws ProviderReadError. */
  balance(): Promise<{ balance: bigint; currency: string }>
  /** Throws ProviderReadError. Rows that cannot be read are left out and counted. */
  services(): Promise<{ services: ProviderService[]; unreadable: number }>
  /** The orders of one of its services that it took in a span of time by its clock; only where it keeps such a list. Throws ProviderReadError. */
  readonly listOrders?:
    | ((span: { provider_service_id: string; from: Date; to: Date }) => Promise<OrderList>)
    | undefined
}

/** What a call belongs to, for the call log. */
export interface CallContext {
  order_id: bigint | undefined
}
