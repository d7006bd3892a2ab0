import type { Providers } from '#server/domains/providers/registry.ts'
import type { App } from '#server/platform/app.ts'
import { type Loop, startLoop } from '#server/platform/db/loop.ts'
import type { Chore } from '#server/platform/jobs/jobs.ts'
import type { EventDefinition } from '#server/platform/outbox/event.ts'
import { on, type Subscription } from '#server/platform/outbox/subscription.ts'
import { startAfterSalesWork } from './after-sales-work.ts'
import { expireWaitingOrders } from './desk/expire-waiting-orders.ts'
import { dispatchOrders, newLane } from './dispatching/dispatch-orders.ts'
import { openPlacementRecorder } from './dispatching/open-placement-recorder.ts'
import type { Placement } from './dispatching/record-placements.ts'
import { sweepDispatches } from './dispatching/sweep-dispatches.ts'
import { queueDueRuns } from './drip-feed/queue-due-runs.ts'
import {
  type OrdersEvent,
  orderRefunded,
  ordersForwarded,
  ordersPlaced,
  ordersProgressed,
  ordersRerouted,
  ordersResubmitted,
  ordersSettled,
  ordersStopped,
  subscriptionsStopped,
} from './events.ts'
import { forecastBalances } from './finance/forecast-balances.ts'
import { sumFinance } from './finance/sum-finance.ts'
import { pollOrders } from './following/poll-orders.ts'
import { providersWithWork } from './queries.ts'
import { resolveUnknown } from './reconciling/resolve-unknown.ts'
import { expireRefunds } from './refunding/expire-refunds.ts'
import { measureSources } from './routing/measure-sources.ts'
import { type RerouteRounds, rerouteOrders } from './routing/reroute-orders.ts'
import { tellBalances } from './tell-balances.ts'
import { sumKeys } from './usage/sum-keys.ts'
import { verifyBooks } from './verify-books.ts'

/** New orders of this process wake at once; the wait is for those that others took, and for checks that come due. */
const FIND_IDLE_MS = 500
const SWEEP_IDLE_MS = 5_000
/** Orders of unknown fate are looked at soon, for some proofs hold for two minutes. */
const RECONCILE_IDLE_MS = 5_000
/** Most looks find in memory that nothing is stuck. */
const REROUTE_IDLE_MS = 2_000
/** Runs of a drip-feed are a minute apart at the least. */
const RELEASE_IDLE_MS = 1_000
/** A crew is woken when there is work for it; this is for a wake that went astray. */
const CREW_IDLE_MS = 10_000
/** While a stop waits for calls under way: look this often. */
const DRAIN_STEP_MS = 20

/** What a worker does with orders, until stopped. */
export interface OrderWork {
  /** There are new orders. */
  wakeDispatcher(): void
  /** Sends no more, waits for the answers of what was sent, and writes them down. */
  stop(): Promise<void>
}

/** Starts dispatching, polling, sweeping, the search for orders of unknown fate and what comes after the sale, for all providers. Any number of workers may do so at once. */
export function startOrderWork(app: App, providers: Providers): OrderWork {
  const { log, metrics } = app
  const record = openPlacementRecorder(app)
  const crews = new Map<bigint, Crew>()
  const finder = startLoop({ name: 'orders.find', run: find, idle_ms: FIND_IDLE_MS, log, metrics })
  const sweep = async () => (await sweepDispatches(app)) > 0
  const after_sales = startAfterSalesWork(app, providers)
  const rounds: RerouteRounds = new Map()
  const reroute = async () => (await rerouteOrders(app, rounds)) > 0
  const rerouter = startLoop({ name: 'orders.reroute', run: reroute, idle_ms: REROUTE_IDLE_MS, log, metrics })
  const release = async () => {
    if ((await queueDueRuns(app)) > 0) finder.wake()
    return false
  }
  const releaser = startLoop({ name: 'orders.drip-feed', run: release, idle_ms: RELEASE_IDLE_MS, log, metrics })
  const sweeper = startLoop({ name: 'orders.sweep', run: sweep, idle_ms: SWEEP_IDLE_MS, log, metrics })
  const reconcile = () => resolveUnknown(app, providers, record)
  const reconciler = startLoop({ name: 'orders.reconcile', run: reconcile, idle_ms: RECONCILE_IDLE_MS, log, metrics })

  async function find(): Promise<boolean> {
    for (const { id, queued, due } of await providersWithWork(app.db)) {
      const crew = crews.get(id) ?? startCrew(app, providers, id, record)
      crews.set(id, crew)
      if (queued) crew.dispatcher.wake()
      if (due) crew.poller.wake()
    }
    return false
  }

  return {
    wakeDispatcher: finder.wake,
    stop: async () => {
      await Promise.all([
        finder.stop(),
        sweeper.stop(),
        reconciler.stop(),
        rerouter.stop(),
        releaser.stop(),
        after_sales.stop(),
      ])
      await Promise.all([...crews.values()].map((crew) => crew.stop()))
    },
  }
}

/** Who works for one provider: none waits for another's. */
interface Crew {
  dispatcher: Loop
  poller: Loop
  stop(): Promise<void>
}

function startCrew(
  app: App,
  providers: Providers,
  provider_id: bigint,
  record: (placement: Placement) => Promise<void>,
): Crew {
  const lane = newLane(provider_id, () => dispatcher.wake())
  const common = { idle_ms: CREW_IDLE_MS, log: app.log, metrics: app.metrics }
  const dispatch = () => dispatchOrders(app, providers, lane, record)
  const dispatcher: Loop = startLoop({ ...common, name: 'orders.dispatch', run: dispatch })
  const poll = async () => (await pollOrders(app, providers, provider_id)).more
  const poller = startLoop({ ...common, name: 'orders.poll', run: poll })

  return {
    dispatcher,
    poller,
    stop: async () => {
      await Promise.all([dispatcher.stop(), poller.stop()])
      while (lane.in_flight > 0) await new Promise((resolve) => setTimeout(resolve, DRAIN_STEP_MS))
    },
  }
}

/** After these there are orders to send. */
const QUEUEING: ReadonlySet<EventDefinition<OrdersEvent>> = new Set([ordersPlaced, ordersResubmitted, ordersRerouted])

/** The structured events and counts that operators watch, the waking of the dispatcher, and the telling of balances. */
export function orderSubscriptions(wakeDispatcher: () => void): Subscription[] {
  const told: [EventDefinition<OrdersEvent>, string][] = [
    [ordersPlaced, 'ORDER_CREATED'],
    [ordersForwarded, 'ORDER_FORWARD'],
    [ordersStopped, 'ORDER_STOPPED'],
    [ordersProgressed, 'ORDER_PROGRESS'],
    [ordersSettled, 'ORDER_SETTLED'],
    [ordersResubmitted, 'ORDER_RESUBMIT'],
    [ordersRerouted, 'ORDER_REROUTE'],
  ]
  const moving = [ordersPlaced, ordersSettled].map((event) =>
    on(event, async (tx, _app, events) => {
      await tellBalances(
        tx,
        events.flatMap(({ payload }) => payload.orders.map((order) => order.customer_id)),
      )
    }),
  )
  const stopping = on(subscriptionsStopped, async (tx, _app, events) => {
    await tellBalances(
      tx,
      events.flatMap(({ payload }) => payload.subscriptions.map(({ customer_id }) => customer_id)),
    )
  })
  const refunding = on(orderRefunded, (tx, _app, events) =>
    tellBalances(
      tx,
      events.map(({ payload }) => payload.customer_id),
    ),
  )
  const watched = told.map(([event, name]) =>
    on(event, async (tx, app, events) => {
      const counter = app.metrics.counter('saldo_order_events_total', 'Steps of orders', ['event', 'state'])
      tx.onCommit(() => {
        const orders = events.flatMap(({ payload }) => payload.orders)
        for (const [state, same] of Map.groupBy(orders, (order) => order.state)) {
          counter.inc({ event: name, state }, same.length)
          // A line for many: at thousands a second one each would cost more than what it tells of.
          app.log.info({ event: name, state, orders: same.length, first: same[0]?.order_id }, 'order steps')
        }
        if (app.log.isLevelEnabled('debug')) {
          for (const order of orders) app.log.debug({ event: name, ...order }, 'order step')
        }
        if (QUEUEING.has(event)) wakeDispatcher()
      })
    }),
  )
  return [...watched, ...moving, stopping, refunding]
}

/** The timetable's part. A proof reads everything: once a night, when few are awake. */
export const orderChores: readonly Chore[] = [
  {
    name: 'orders.sum-finance',
    cron: '* * * * *',
    run: async (app) => {
      while ((await sumFinance(app)).more);
    },
  },
  {
    name: 'orders.sum-keys',
    cron: '* * * * *',
    run: async (app) => {
      while ((await sumKeys(app)).more);
    },
  },
  { name: 'orders.measure-sources', cron: '* * * * *', run: measureSources },
  { name: 'orders.forecast-balances', cron: '*/5 * * * *', run: forecastBalances },
  { name: 'orders.verify-books', cron: '23 2 * * *', run: verifyBooks },
  {
    name: 'orders.expire-refunds',
    cron: '11 * * * *',
    run: async (app) => {
      await expireRefunds(app)
    },
  },
  {
    name: 'orders.expire-waiting',
    cron: '*/5 * * * *',
    run: async (app) => {
      const expired = await expireWaitingOrders(app)
      if (expired > 0) app.log.warn({ expired }, 'orders waited too long and were refunded')
    },
  },
]
