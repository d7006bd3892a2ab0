import { type BalanceAnswer, checkBalance } from '#server/domains/providers/check-balance.ts'
import { pauseProvider } from '#server/domains/providers/pause-provider.ts'
import type { PlaceOutcome } from '#server/domains/providers/provider.ts'
import { providerCan } from '#server/domains/providers/provider-row.ts'
import type { OpenProvider, Providers } from '#server/domains/providers/registry.ts'
import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import { accountIds, costIn, prepaidAt } from './accounts.ts'
import { claimOrders } from './claim-orders.ts'
import type { Order } from './order.ts'
import type { Placement } from './record-placements.ts'

/** Beyond the time that the call itself may take: for writing its outcome down. */
const LEASE_EXTRA_MS = 10_000

/** How long a provider that cannot be asked, or asks for fewer calls, is left alone. */
const PAUSE_MS = 5_000

/** One provider's dispatching in this process. */
export interface Lane {
  provider_id: bigint
  in_flight: number
  /** What the orders under way are expected to cost. */
  in_flight_cost: bigint
  last_customer: bigint
  /** The balance that was read last, and what has been claimed on it since. */
  balance: BalanceAnswer | undefined
  spent: bigint
}

/** A lane at rest. */
export function newLane(provider_id: bigint): Lane {
  return { provider_id, in_flight: 0, in_flight_cost: 0n, last_customer: 0n, balance: undefined, spent: 0n }
}

/**
 * Claims as many of a provider's queued orders as it has room for and sends them, each answer going to `record` when it comes. Returns when they are sent, not when
 * they are answered. True when there may be more to send at once. `record` must not lose what it is given.
 */
export async function dispatchOrders(
  app: App,
  providers: Providers,
  lane: Lane,
  record: (placement: Placement) => Promise<void>,
): Promise<boolean> {
  if (!(await hasQueued(app, lane.provider_id))) return false
  const provider = await providers.providerById(lane.provider_id)
  if (!providerCan.place(provider.row, app.clock.now())) return false
  // As many again as may be under way, so that the line to the provider never runs dry while outcomes are written.
  const room = 2 * provider.row.concurrency - lane.in_flight
  if (room < Math.min(provider.row.concurrency, 16)) return false
  await accountIds(app.db, [prepaidAt(lane.provider_id, provider.row.currency), costIn(provider.row.currency)])
  const budget = await budgetOf(app, providers, lane)
  if (budget === undefined) return false
  const lease_ms = 3 * provider.row.timeout_ms + LEASE_EXTRA_MS
  const { provider_id, last_customer: after_customer } = lane
  const fail_uncovered = lane.in_flight === 0
  const claim = await claimOrders(app.db, { provider_id, room, budget, lease_ms, after_customer, fail_uncovered })
  lane.last_customer = claim.last_customer
  lane.spent += claim.cost
  for (const order of claim.claimed) void send(app, provider, lane, order, record)
  return claim.claimed.length + claim.stopped > 0
}

const queuedOnce = statement(`
  select 1 as queued from orders.orders where state = 'queued' and provider_id = $1 limit 1`)

async function hasQueued(app: App, provider_id: bigint): Promise<boolean> {
  return (await app.db.query(queuedOnce, [provider_id])).length > 0
}

/** What may still be spent, in the provider's asset; undefined when its balance is not known. A provider that cannot be asked is not one without balance. */
async function budgetOf(app: App, providers: Providers, lane: Lane): Promise<bigint | undefined> {
  const balance = await checkBalance(providers, lane.provider_id)
  if (balance !== lane.balance) {
    lane.balance = balance
    // What is under way may be in the figure already: counted twice it delays others, for nothing fails while something is under way.
    lane.spent = lane.in_flight_cost
  }
  if (balance.status === 'ok') return balance.balance - lane.spent
  await pause(app, lane.provider_id, `balance_check_failed: ${balance.reason}`)
  return undefined
}

async function pause(app: App, provider_id: bigint, reason: string): Promise<void> {
  const until = new Date(app.clock.now().getTime() + PAUSE_MS)
  await app.db.transaction((tx) => pauseProvider(tx, { provider_id, until, reason }))
}

async function send(
  app: App,
  provider: OpenProvider,
  lane: Lane,
  order: Order,
  record: (placement: Placement) => Promise<void>,
): Promise<void> {
  lane.in_flight += 1
  lane.in_flight_cost += order.expected_cost
  const key = order.attempt as string
  try {
    const outcome = await place(provider, order, key)
    if (outcome.outcome === 'rejected' && (outcome.code === 'not_sent' || outcome.code === 'rate_limited')) {
      await pause(app, lane.provider_id, outcome.code)
    }
    await record({ order_id: order.id, key, outcome })
  } catch (err) {
    // The claim runs out by itself and the sweep calls the order unknown.
    app.log.error({ err, order_id: order.id }, 'the outcome of an attempt could not be recorded')
  } finally {
    lane.in_flight -= 1
    lane.in_flight_cost -= order.expected_cost
  }
}

function place(provider: OpenProvider, order: Order, attempt_key: string): Promise<PlaceOutcome> {
  const { provider_service_id, type, link, quantity, params } = order
  const request = { attempt_key, provider_service_id, type, link, quantity, params }
  return provider.place(request, { order_id: order.id })
}
