import { listProviders } from '#server/domains/providers/queries.ts'
import type { Providers } from '#server/domains/providers/registry.ts'
import { coalesce } from '#server/kit/coalesce.ts'
import type { App } from '#server/platform/app.ts'
import { type Loop, startLoop } from '#server/platform/db/loop.ts'
import type { EventDefinition } from '#server/platform/outbox/event.ts'
import { on, type Subscription } from '#server/platform/outbox/subscription.ts'
import { dispatchOrders, type Lane, newLane } from './dispatch-orders.ts'
import {
  type OrderEvent,
  orderForwarded,
  orderPlaced,
  orderProgressed,
  orderResubmitted,
  orderSettled,
  orderStopped,
} from './events.ts'
import { pollOrders } from './poll-orders.ts'
import { type Placement, RECORD_PLACEMENTS_MAX, recordPlacements } from './record-placements.ts'
import { sweepDispatches } from './sweep-dispatches.ts'

/** New orders wake the dispatcher; the wait is for those that other processes took while a message was lost. */
const DISPATCH_IDLE_MS = 1_000
/** The youngest orders are asked about after three seconds. */
const POLL_IDLE_MS = 1_000
const SWEEP_IDLE_MS = 5_000
/** While a stop waits for calls under way: look this often. */
const DRAIN_STEP_MS = 20

/** What a worker does with orders, until stopped. */
export interface OrderWork {
  /** There are new orders. */
  wakeDispatcher(): void
  /** Sends no more, waits for the answers of what was sent, and writes them down. */
  stop(): Promise<void>
}

/** Starts dispatching, polling and sweeping for all providers. Any number of workers may do so at once. */
export function startOrderWork(app: App, providers: Providers): OrderWork {
  const dispatcher = startDispatcher(app, providers)
  const { log, metrics } = app
  const poller = startLoop({
    name: 'orders.poll',
    run: () => pollAll(app, providers),
    idle_ms: POLL_IDLE_MS,
    log,
    metrics,
  })
  const run = async () => (await sweepDispatches(app)) > 0
  const sweeper = startLoop({ name: 'orders.sweep', run, idle_ms: SWEEP_IDLE_MS, log, metrics })
  return {
    wakeDispatcher: dispatcher.wake,
    stop: async () => {
      await Promise.all([dispatcher.stop(), poller.stop(), sweeper.stop()])
    },
  }
}

function startDispatcher(app: App, providers: Providers): Loop {
  const lanes = new Map<bigint, Lane>()
  const record = coalesce(
    async (placements: Placement[]) => {
      await recordPlacements(app, placements)
      return placements.map(() => undefined)
    },
    { max: RECORD_PLACEMENTS_MAX, lanes: 2, queue_max: 100_000 },
  )
  const { log, metrics } = app
  const loop = startLoop({ name: 'orders.dispatch', run: pass, idle_ms: DISPATCH_IDLE_MS, log, metrics })

  async function pass(): Promise<boolean> {
    const rows = await listProviders(app.db)
    const took = await Promise.all(
      rows.map((row) => {
        const lane = lanes.get(row.id) ?? newLane(row.id)
        lanes.set(row.id, lane)
        return dispatchOrders(app, providers, lane, recordAndWake)
      }),
    )
    return took.some((more) => more)
  }

  // An answer makes room for the next order.
  async function recordAndWake(placement: Placement): Promise<void> {
    await record(placement)
    loop.wake()
  }

  return {
    wake: loop.wake,
    stop: async () => {
      await loop.stop()
      while ([...lanes.values()].some((lane) => lane.in_flight > 0)) {
        await new Promise((resolve) => setTimeout(resolve, DRAIN_STEP_MS))
      }
    },
  }
}

async function pollAll(app: App, providers: Providers): Promise<boolean> {
  const rows = await listProviders(app.db)
  const reports = await Promise.all(rows.map((row) => pollOrders(app, providers, row.id)))
  return reports.some((report) => report.more)
}

/** The structured events and counts that operators watch, and the waking of the dispatcher. */
export function orderSubscriptions(wakeDispatcher: () => void): Subscription[] {
  const told: [EventDefinition<OrderEvent>, string][] = [
    [orderPlaced, 'ORDER_CREATED'],
    [orderForwarded, 'ORDER_FORWARD'],
    [orderStopped, 'ORDER_STOPPED'],
    [orderProgressed, 'ORDER_PROGRESS'],
    [orderSettled, 'ORDER_SETTLED'],
    [orderResubmitted, 'ORDER_RESUBMIT'],
  ]
  return told.map(([event, name]) =>
    on(event, async (tx, app, events) => {
      const counter = app.metrics.counter('saldo_order_events_total', 'Steps of orders', ['event', 'state'])
      tx.onCommit(() => {
        for (const { payload } of events) {
          counter.inc({ event: name, state: payload.state })
          app.log.debug({ event: name, ...payload }, 'order step')
        }
        if (event === orderPlaced || event === orderResubmitted) wakeDispatcher()
      })
    }),
  )
}
