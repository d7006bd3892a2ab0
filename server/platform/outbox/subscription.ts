import type { App } from '../app.ts'
import type { Tx } from '../db/database.ts'
import type { EventDefinition, StoredEvent } from './event.ts'

/**
 * Who wants which events. `handle` runs inside the publisher's transaction: what it writes or enqueues with `tx` happens exactly
 * once per event. It may be run again from the start, so it has no other effect; counting and logging go into `tx.onCommit`.
 *
 * It is quick and waits for nobody: the subscribers of a batch have one transaction and follow one another, so whoever waits for a row that others hold, or works long, holds up
 * all that are told of the event. It writes down what is to be done, and a worker of its own does it.
 *
 * Order: events of one subject come in the order in which they were emitted (under that subject's row lock), except that
 * one that failed comes later than its followers, and that two publishers work side by side. So a subscriber trusts a version
 * in the payload, never the order.
 */
export interface Subscription {
  readonly type: string
  /** Events of one type, oldest first. If it throws, the batch is split until the events at fault are alone. */
  handle(tx: Tx, app: App, events: readonly StoredEvent<unknown>[]): Promise<void>
}

/** Subscribes to an event, many at a time. */
export function on<Payload>(
  event: EventDefinition<Payload>,
  handle: (tx: Tx, app: App, events: readonly StoredEvent<Payload>[]) => Promise<void>,
): Subscription {
  // The payload was typed where it was emitted; the type's name carries that here.
  return { type: event.type, handle: handle as Subscription['handle'] }
}

/** Subscribes to an event, one at a time. */
export function onEach<Payload>(
  event: EventDefinition<Payload>,
  handle: (tx: Tx, app: App, event: StoredEvent<Payload>) => Promise<void>,
): Subscription {
  return on(event, async (tx, app, events) => {
    for (const each of events) await handle(tx, app, each)
  })
}
