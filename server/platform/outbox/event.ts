/**
 * A kind of event, named in a domain's `events.ts`. Its payload is stored as JSON: bigint survives, a Date arrives as text.
 */
export interface EventDefinition<Payload> {
  /** `orders.placed`: domain, dot, what has happened. */
  readonly type: string
  /** What it happened to, such as `order:17`; for logs and for a person who looks at a dead letter. */
  subject(payload: Payload): string
}

/** An event as its subscribers get it. */
export interface StoredEvent<Payload> {
  readonly id: bigint
  readonly type: string
  readonly subject: string
  readonly payload: Payload
  /** Start of the transaction that emitted it. */
  readonly at: Date
  /** Deliveries that failed before this one. */
  readonly attempts: number
}

/** Declares an event: `defineEvent<OrderPlaced>('orders.placed', (order) => `order:${order.order_id}`)`. */
export function defineEvent<Payload>(
  type: string,
  subject: (payload: Payload) => string = () => '',
): EventDefinition<Payload> {
  return { type, subject }
}
