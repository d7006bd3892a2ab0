import type { Service } from '#server/domains/catalog/service.ts'
import type { Route } from '../routing/router.ts'
import type { SubscriptionTerms } from '../subscriptions/subscription.ts'
import type { CheckedOrder, OrderRequest } from './check-order.ts'
import type { Placer } from './placer.ts'

// An order on its way from the request to its row.

/** One order for a customer. */
export interface PlaceOrder extends OrderRequest, Placer {}

/** An order that may be taken as far as is known before anything is locked; `place`: which of the inputs. */
export interface Wanted {
  place: number
  input: PlaceOrder
  checked: CheckedOrder
  service: Service
  /** Where it is bought. */
  route: Route
  /** Of a subscription. */
  terms: SubscriptionTerms | undefined
}

/** An order, or the orders that a drip-feed is made of, about to be posted. Numbers are drawn in the same round trip as the locks, and are 0 until then. */
export interface Candidate extends Wanted {
  /** What the caller is told: the order's, or the drip-feed's own. */
  number: bigint
  subjects: Subject[]
  wallet: bigint
}

export interface Subject {
  kind: 'order'
  id: bigint
}

/** An order whose money is held, ready to be recorded. */
export interface Placed extends Candidate {
  subject: Subject
  hold: bigint
  /** When, where a day's limit depends on it; otherwise the transaction's own time. */
  placed_at: Date | undefined
  run: Run | undefined
}

/** Which run of which drip-feed an order is, and when it is due. */
interface Run {
  number: number
  not_before: Date | null
}
