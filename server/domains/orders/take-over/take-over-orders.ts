import { SALE_ASSET } from '#server/domains/catalog/service.ts'
import type { Entry, Movement } from '#server/domains/ledger/entry.ts'
import { postEntries } from '#server/domains/ledger/post-entries.ts'
import { invariant, present } from '#server/kit/invariant.ts'
import { dateArray, int8Array, jsonArray, textArray } from '#server/platform/db/arrays.ts'
import { type Db, statement, type Tx } from '#server/platform/db/database.ts'
import { accountIds, costIn, openingIn, prepaidAt, walletOf } from '../accounts.ts'
import { OPEN_STATES } from '../order.ts'
import { isSettled, rateOf, standingOf, type TakenOrder, type TakenStanding } from './taken-order.ts'

/** With at most five movements each, a batch stays within one posting. */
export const TAKE_OVER_ORDERS_MAX = 1_000

/** `was_there`: it was taken over before. */
export type TakenOrderOutcome =
  | { ok: true; was_there: boolean; settled: boolean }
  /**
   * `status_unknown`: nobody knows the status, or it is partial and its remains make no sense. `number_taken`: another order has its number. `provider_number_taken`: another
   * has its number at the provider. `changed`: it was taken over before, otherwise than it stands there now.
   */
  | { ok: false; refusal: 'status_unknown' | 'number_taken' | 'provider_number_taken' | 'changed' }

/**
 * Takes over orders of another system, called `source`, under their numbers there; one outcome each, and may run again. Open ones are followed from now on, with their
 * charge held; ended ones are history. Their money comes out of the opening account, to which what ended goes back, so that neither wallet nor turnover is
 * moved by the past. Nothing is told to customers, and no balance either: that is what they have besides. Nothing else of the transaction has locked accounts.
 * InvariantError beyond TAKE_OVER_ORDERS_MAX.
 */
export async function takeOverOrders(
  db: Db,
  tx: Tx,
  source: string,
  orders: readonly TakenOrder[],
): Promise<TakenOrderOutcome[]> {
  invariant(orders.length <= TAKE_OVER_ORDERS_MAX, 'takeOverOrders: batch too long')
  const outcomes: (TakenOrderOutcome | undefined)[] = new Array(orders.length)
  const candidates: Candidate[] = []
  for (const [place, order] of orders.entries()) {
    const standing = standingOf(order)
    if (standing) candidates.push({ place, order, standing })
    else outcomes[place] = { ok: false, refusal: 'status_unknown' }
  }
  const accounts = await accountsOf(db, tx, candidates)
  const entries = candidates.map((each, i) => openingEntry(source, each, accounts(i)))
  const posted = await postEntries(tx, entries, async () => {
    // Behind the lock on the opening account, so that what others took over at the same time is seen.
    const taken = await numbersTaken(tx, orders)
    return (i) => {
      const { place, order } = present(candidates[i], 'an entry has its order')
      const refusal = taken.claim(order)
      if (refusal) outcomes[place] = { ok: false, refusal }
      return refusal === undefined
    }
  })
  const fresh: Fresh[] = []
  for (const [i, candidate] of candidates.entries()) {
    const outcome = present(posted[i], 'every entry has an outcome')
    if (outcome.ok) {
      outcomes[candidate.place] = { ok: true, was_there: outcome.replayed, settled: isSettled(candidate.standing) }
      // The hold is the second movement of its entry.
      if (!outcome.replayed) fresh.push({ ...candidate, accounts: accounts(i), hold: outcome.id + 1n })
    } else {
      outcomes[candidate.place] ??= { ok: false, refusal: 'changed' }
    }
  }
  if (fresh.length > 0) await record(tx, source, fresh)
  return outcomes.map((outcome) => present(outcome, 'every order has an outcome'))
}

interface Candidate {
  place: number
  order: TakenOrder
  standing: TakenStanding
}

interface Accounts {
  opening: bigint
  wallet: bigint
  cost_opening: bigint
  prepaid: bigint
  cost: bigint
}

interface Fresh extends Candidate {
  accounts: Accounts
  hold: bigint
}

// Each half by its own index; with "or" the planner reads all orders.
const TAKEN = statement(`
  select id, provider_id, provider_order_id from orders.orders where id = any($1::bigint[])
  union
  select o.id, provider_id, provider_order_id
  from unnest($2::bigint[], $3::text[]) as placed (provider_id, provider_order_id) join orders.orders o using (provider_id, provider_order_id)`)

/** The numbers that orders have already, here and at their providers. A claim takes them for an order that is new. */
async function numbersTaken(tx: Tx, orders: readonly TakenOrder[]) {
  const placed = orders.filter((order) => order.provider_order_id !== null)
  const rows = await tx.query<{ id: bigint; provider_id: bigint; provider_order_id: string | null }>(TAKEN, [
    int8Array(orders.map((order) => order.id)),
    int8Array(placed.map((order) => order.provider_id)),
    textArray(placed.map((order) => order.provider_order_id)),
  ])
  const ids = new Set(rows.map((row) => row.id))
  const numbers = new Set(rows.map(numberOf))
  return {
    claim: (order: TakenOrder): 'number_taken' | 'provider_number_taken' | undefined => {
      if (ids.has(order.id)) return 'number_taken'
      if (order.provider_order_id !== null && numbers.has(numberOf(order))) return 'provider_number_taken'
      ids.add(order.id)
      numbers.add(numberOf(order))
      return undefined
    },
  }
}

function numberOf(order: { provider_id: bigint; provider_order_id: string | null }): string {
  return `${order.provider_id}/${order.provider_order_id}`
}

async function accountsOf(db: Db, tx: Tx, candidates: readonly Candidate[]): Promise<(i: number) => Accounts> {
  const names = candidates.flatMap(({ order }) => [
    openingIn(SALE_ASSET),
    walletOf(order.customer_id, SALE_ASSET),
    openingIn(order.cost_asset),
    prepaidAt(order.provider_id, order.cost_asset),
    costIn(order.cost_asset),
  ])
  const ids = await accountIds(db, names, tx)
  return (i) => {
    const [opening, wallet, cost_opening, prepaid, cost] = ids.slice(5 * i, 5 * i + 5) as [
      bigint,
      bigint,
      bigint,
      bigint,
      bigint,
    ]
    return { opening, wallet, cost_opening, prepaid, cost }
  }
}

/** What the order's charge and, while it is open, its cost come from. Of what ended long ago the cost is in nobody's books here. */
function openingEntry(source: string, { order, standing }: Candidate, accounts: Accounts): Entry {
  const { id, charge } = order
  const subject = { kind: 'order', id }
  const transfer = { kind: 'transfer', reason: 'take_over.order', subject } as const
  const movements: Movement[] = [
    { ...transfer, debit: accounts.opening, credit: accounts.wallet, amount: charge },
    { kind: 'hold', account: accounts.wallet, amount: charge, subject },
  ]
  const cost = bookedCost(order, standing)
  if (cost > 0n) {
    movements.push(
      { ...transfer, debit: accounts.cost_opening, credit: accounts.prepaid, amount: cost },
      { ...transfer, debit: accounts.prepaid, credit: accounts.cost, amount: cost, reason: 'order.cost' },
    )
  }
  return { key: `take-over:${source}:order:${id}`, movements, content: contentOf(order) }
}

function bookedCost(order: TakenOrder, { state }: TakenStanding): bigint {
  return OPEN_STATES.includes(state) ? order.cost : 0n
}

/** What makes it the same order when it is met again. */
function contentOf(order: TakenOrder): string {
  return JSON.stringify(order, (_, value) => (typeof value === 'bigint' ? String(value) : value))
}

async function record(tx: Tx, source: string, fresh: readonly Fresh[]): Promise<void> {
  const ended = fresh.filter(({ standing }) => isSettled(standing))
  // Behind the first posting, whose locks are all that this one needs: the opening account is among them, and the holds are our own.
  const outcomes = await postEntries(
    tx,
    ended.map((each) => settlingEntry(source, each)),
  )
  invariant(
    outcomes.every((outcome) => outcome.ok && !outcome.replayed),
    'the ledger did not settle an order that it has just taken over',
  )
  insert(tx, fresh)
  tx.send(INSERT_STEPS, [
    int8Array(fresh.map(({ order }) => order.id)),
    textArray(fresh.map(({ standing }) => standing.state)),
    jsonArray(fresh.map(({ order }) => ({ source, status: order.status, placed_at: order.placed_at }))),
  ])
  // What was counted without them is counted anew with the customer's next order.
  tx.send(FORGET_COUNTS, [int8Array([...new Set(fresh.map(({ order }) => order.customer_id))])])
}

function settlingEntry(source: string, { order, standing, accounts, hold }: Fresh): Entry {
  const { captured, released } = standing
  const subject = { kind: 'order', id: order.id }
  const common = { reason: 'take_over.order', subject } as const
  const movements: Movement[] = []
  if (captured > 0n) movements.push({ ...common, kind: 'capture', hold, credit: accounts.opening, amount: captured })
  if (released > 0n) {
    movements.push(
      { kind: 'release', hold, amount: 'rest' },
      { ...common, kind: 'transfer', debit: accounts.wallet, credit: accounts.opening, amount: released },
    )
  }
  return { key: `take-over:${source}:order:${order.id}:end`, movements }
}

const INSERT_ORDERS = statement(`
  insert into orders.orders (id, customer_id, service_id, provider_id, wallet, hold, quantity, rate, charge, expected_cost, booked_cost, captured,
    released, start_count, remains, version, placed_at, accepted_at, finished_at, next_check_at, waiting_since, asset, cost_asset, type, state,
    reason, detail, link, params, provider_service_id, provider_order_id, provider_status)
  select id, customer_id, service_id, provider_id, wallet, hold, quantity, rate, charge, expected_cost, booked_cost, captured,
    released, start_count, remains, 2, placed_at, accepted_at, finished_at, case when state = any($27::text[]) then now() end,
    case when state = 'failed' then now() end, $28, cost_asset, type, state,
    reason, detail, link, params, provider_service_id, provider_order_id, provider_status
  from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[],
    $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[], $16::timestamptz[], $17::timestamptz[],
    $18::timestamptz[], $19::text[], $20::text[], $21::text[], $22::text[], $23::text[], $24::text[], $25::jsonb[], $26::text[],
    $29::text[], $30::text[])
    as new (id, customer_id, service_id, provider_id, wallet, hold, quantity, rate, charge, expected_cost, booked_cost, captured, released,
      start_count, remains, placed_at, accepted_at, finished_at, cost_asset, type, state, reason, detail, link, params, provider_service_id,
      provider_order_id, provider_status)`)

function insert(tx: Tx, fresh: readonly Fresh[]): void {
  const orders = fresh.map((each) => each.order)
  const standings = fresh.map((each) => each.standing)
  tx.send(INSERT_ORDERS, [
    int8Array(orders.map((order) => order.id)),
    int8Array(orders.map((order) => order.customer_id)),
    int8Array(orders.map((order) => order.service_id)),
    int8Array(orders.map((order) => order.provider_id)),
    int8Array(fresh.map((each) => each.accounts.wallet)),
    int8Array(fresh.map((each) => each.hold)),
    int8Array(orders.map((order) => order.quantity)),
    int8Array(orders.map(rateOf)),
    int8Array(orders.map((order) => order.charge)),
    int8Array(orders.map((order) => order.cost)),
    int8Array(fresh.map(({ order, standing }) => bookedCost(order, standing))),
    int8Array(standings.map((standing) => standing.captured)),
    int8Array(standings.map((standing) => standing.released)),
    int8Array(orders.map((order) => order.start_count)),
    int8Array(orders.map((order) => order.remains)),
    dateArray(orders.map((order) => order.placed_at)),
    dateArray(fresh.map(({ order }) => (order.provider_order_id === null ? null : order.placed_at))),
    dateArray(fresh.map(({ order, standing }) => (isSettled(standing) ? order.updated_at : null))),
    textArray(orders.map((order) => order.cost_asset)),
    textArray(orders.map((order) => order.type)),
    textArray(standings.map((standing) => standing.state)),
    textArray(standings.map((standing) => standing.reason)),
    textArray(standings.map((standing) => standing.detail)),
    textArray(orders.map((order) => order.link)),
    jsonArray(orders.map((order) => order.params)),
    textArray(orders.map((order) => order.provider_service_id)),
    OPEN_STATES,
    SALE_ASSET,
    textArray(orders.map((order) => order.provider_order_id)),
    textArray(orders.map((order) => order.provider_status)),
  ])
}

// Its history there is not known; here it begins with the day on which it was taken over.
const INSERT_STEPS = statement(`
  insert into orders.order_event (order_id, version, kind, from_state, to_state, data)
  select new.id, step.version, step.kind, step.from_state, coalesce(step.to_state, new.state), step.data
  from unnest($1::bigint[], $2::text[], $3::jsonb[]) as new (id, state, data)
  cross join lateral (values (1, 'placed', null, 'queued', null::jsonb), (2, 'taken_over', 'queued', null, new.data))
    as step (version, kind, from_state, to_state, data)`)

const FORGET_COUNTS = statement(`
  update orders.customer_limit set in_flight = null, spent = null, day_began = null, day_ends = null
  where customer_id = any($1::bigint[])`)

const KEEP_NUMBERS = statement(`
  select setval('orders.order_number', $1::bigint) from orders.order_number where last_value < $1::bigint`)

/** Lets orders be numbered on from behind `last`, the highest number to be taken over. To be called before the first is taken over, so that no new one gets its number. */
export async function keepNumbers(db: Db, last: bigint): Promise<void> {
  await db.query(KEEP_NUMBERS, [last])
}
