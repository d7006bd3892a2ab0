import { type BalanceAnswer, checkBalance } from '#server/domains/providers/check-balance.ts'
import { pauseProvider } from '#server/domains/providers/pause-provider.ts'
import type { PlaceOutcome, RejectionCode } from '#server/domains/providers/provider.ts'
import { providerCan } from '#server/domains/providers/provider-row.ts'
import type { OpenProvider, Providers } from '#server/domains/providers/registry.ts'
import { forgetStandings } from '#server/domains/providers/standings.ts'
import { type Backoff, backoff_ms } from '#server/kit/backoff.ts'
import { present } from '#server/kit/invariant.ts'
import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import { reportFailure } from '#server/platform/telemetry/failures.ts'
import type { Order } from '../order.ts'
import { CODES_NO_TRY } from '../routing/rerouted.ts'
import { claimOrders } from './claim-orders.ts'
import { placeRequest } from './place-request.ts'
import type { Placement } from './record-placements.ts'

/** Beyond the time that the calls themselves may take: for writing their outcomes down. */
const LEASE_EXTRA_MS = 5_000

/** A claim that took longer than this to commit is not acted upon: its lease must outlast whatever it sends. */
const CLAIM_MS_MAX = 3_000

/** How long a provider that cannot be asked, or wants fewer calls, is left alone; longer each time until it takes an order again. */
const PAUSE: Backoff = { base_ms: 500, max_ms: 5_000 }

/** A balance read within this time says that an order is too dear. */
const BALANCE_FRESH_MS = 3_000

/** Within this time it still pays for orders, less what was spent since: a provider that answers slowly or badly about its balance may well take orders. */
const BALANCE_USABLE_MS = 30_000

/** One provider's dispatching in this process. */
export interface Lane {
  readonly provider_id: bigint
  /** The provider's, as last read. */
  concurrency: number
  in_flight: number
  /** What the orders under way are expected to cost. */
  in_flight_cost: bigint
  last_customer: bigint
  /** What the provider said last of our balance. */
  answer: BalanceAnswer | undefined
  /** The balance that was read last, when that was on the monotonic clock, and what has been claimed on it since. */
  balance: bigint
  balance_asked_at: Date
  balance_read_ms: number
  spent: bigint
  /** Pauses since the provider last took or refused an order, and the end of the one at hand, on the monotonic clock. */
  pauses: number
  paused_until_ms: number
  /** Called whenever an order is no longer under way, so that there is room for the next. */
  readonly onRoom: () => void
}

/** A lane at rest. */
export function newLane(provider_id: bigint, onRoom: () => void): Lane {
  return {
    provider_id,
    onRoom,
    concurrency: 0,
    in_flight: 0,
    in_flight_cost: 0n,
    last_customer: 0n,
    answer: undefined,
    balance: 0n,
    balance_asked_at: new Date(0),
    balance_read_ms: Number.NEGATIVE_INFINITY,
    spent: 0n,
    pauses: 0,
    paused_until_ms: 0,
  }
}

/**
 * Claims as many of a provider's queued orders as it has room for and sends them, each answer going to `record` when it comes. Returns when they are sent, not when
 * they are answered. True when there may be more to send at once. `record` must not lose what it is given, and must not throw.
 */
export async function dispatchOrders(
  app: App,
  providers: Providers,
  lane: Lane,
  record: (placement: Placement) => Promise<void>,
): Promise<boolean> {
  const { provider_id } = lane
  if (lane.in_flight > lane.concurrency || app.clock.monotonic_ms() < lane.paused_until_ms) return false
  if (!(await hasQueued(app, provider_id))) return false
  const provider = await providers.providerById(provider_id)
  if (!providerCan.place(provider.row, app.clock.now())) return false
  const balance_age_ms = await readBalance(app, providers, lane)
  if (balance_age_ms > BALANCE_USABLE_MS) return false
  lane.concurrency = provider.row.concurrency
  const room = roomOf(lane)
  if (room <= 0) return false
  const started_ms = app.clock.monotonic_ms()
  const claim = await claimOrders(app, {
    provider_id,
    room,
    balance: balance_age_ms > BALANCE_FRESH_MS ? undefined : { amount: lane.balance, asked_at: lane.balance_asked_at },
    budget: lane.balance - lane.spent,
    lease_ms: CLAIM_MS_MAX + 3 * provider.row.timeout_ms + LEASE_EXTRA_MS,
    after_customer: lane.last_customer,
    idempotency: provider.row.idempotency,
  })
  lane.last_customer = claim.last_customer
  const in_time = app.clock.monotonic_ms() - started_ms < CLAIM_MS_MAX
  for (const order of claim.claimed) void send(app, in_time ? provider : undefined, lane, order, record)
  return claim.claimed.length + claim.stopped > 0
}

/** As many again as may be under way, so that the line to the provider never runs dry while outcomes are written. After a pause one order goes ahead alone. */
function roomOf(lane: Lane): number {
  return lane.pauses === 0 ? 2 * lane.concurrency - lane.in_flight : 1 - lane.in_flight
}

const queuedOnce = statement(`
  select 1 as queued from orders.orders where state = 'queued' and provider_id = $1 limit 1`)

async function hasQueued(app: App, provider_id: bigint): Promise<boolean> {
  return (await app.db.query(queuedOnce, [provider_id])).length > 0
}

/** Asks for the balance, and waits for it unless the one at hand will do. Answers how old that is then. A provider that cannot be asked is not one without balance. */
async function readBalance(app: App, providers: Providers, lane: Lane): Promise<number> {
  const age_ms = () => app.clock.monotonic_ms() - lane.balance_read_ms
  const asked = askBalance(app, providers, lane)
  if (age_ms() > BALANCE_USABLE_MS) await asked
  else asked.catch((err) => app.log.error({ err, provider_id: lane.provider_id }, 'the balance could not be read'))
  const { answer } = lane
  if (age_ms() > BALANCE_USABLE_MS && answer?.status === 'unavailable') {
    await pause(app, lane, rest(app, lane), `balance_check_failed: ${answer.reason}`)
  }
  return age_ms()
}

async function askBalance(app: App, providers: Providers, lane: Lane): Promise<void> {
  const answer = await checkBalance(providers, lane.provider_id)
  // Answers are shared for a moment; each counts once.
  if (answer === lane.answer) return
  lane.answer = answer
  if (answer.status !== 'ok') return
  lane.balance = answer.balance
  lane.balance_asked_at = answer.asked_at
  lane.balance_read_ms = app.clock.monotonic_ms()
  // What is under way may be in the figure already: counted twice it delays others, for nothing fails by it.
  lane.spent = lane.in_flight_cost
}

/** Lets the lane rest; answers how long, or undefined when it rests already, for many may say so at the same time. */
function rest(app: App, lane: Lane): number | undefined {
  const now_ms = app.clock.monotonic_ms()
  if (now_ms < lane.paused_until_ms) return undefined
  lane.pauses += 1
  const wait_ms = backoff_ms(lane.pauses, PAUSE)
  lane.paused_until_ms = now_ms + wait_ms
  return wait_ms
}

/** Tells the other workers, and staff. */
async function pause(app: App, lane: Lane, wait_ms: number | undefined, reason: string): Promise<void> {
  if (wait_ms === undefined) return
  const until = new Date(app.clock.now().getTime() + wait_ms)
  await app.db.transaction((tx) => pauseProvider(tx, { provider_id: lane.provider_id, until, reason }))
  await forgetStandings(app)
}

/** Without a provider the claim came too late to be sent. */
async function send(
  app: App,
  provider: OpenProvider | undefined,
  lane: Lane,
  order: Order,
  record: (placement: Placement) => Promise<void>,
): Promise<void> {
  lane.in_flight += 1
  lane.in_flight_cost += order.expected_cost
  lane.spent += order.expected_cost
  try {
    const key = present(order.attempt, 'a claimed order has an attempt')
    const outcome = await place(provider, order, key)
    const held_back = heldBack(outcome)
    // Before the order is queued again, or it would be claimed at once.
    const wait_ms = held_back ? rest(app, lane) : undefined
    if (!held_back && outcome.outcome !== 'unknown') lane.pauses = 0
    await record({ order_id: order.id, key, outcome })
    if (held_back) await pause(app, lane, wait_ms, held_back)
  } catch (err) {
    // A claim whose outcome is lost runs out, and the sweep calls the order unknown.
    app.log.error({ err, order_id: order.id }, 'the dispatch of an order did not end well')
    reportFailure({ kind: 'loop', name: 'orders.dispatch', error: err, correlation: { order_id: String(order.id) } })
  } finally {
    lane.in_flight -= 1
    lane.in_flight_cost -= order.expected_cost
    lane.onRoom()
  }
}

async function place(provider: OpenProvider | undefined, order: Order, attempt_key: string): Promise<PlaceOutcome> {
  if (!provider) return { outcome: 'rejected', code: 'not_sent', message: 'The claim took too long.' }
  return provider.place(placeRequest(order, attempt_key), { order_id: order.id })
}

/** What does not end with one order: it was no try, or the provider wants more of our money. */
const PAUSING: ReadonlySet<RejectionCode> = new Set([...CODES_NO_TRY, 'insufficient_provider_balance'])

/** Why nothing more should be sent for a while, if so. */
function heldBack(outcome: PlaceOutcome): string | undefined {
  if (outcome.outcome !== 'rejected') return undefined
  return PAUSING.has(outcome.code) ? outcome.code : undefined
}
