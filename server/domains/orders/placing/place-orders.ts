import { openPrices } from '#server/domains/catalog/plans/plan-prices.ts'
import { servicesByIds } from '#server/domains/catalog/sellable-services.ts'
import { SALE_ASSET, type Service } from '#server/domains/catalog/service.ts'
import type { Entry } from '#server/domains/ledger/entry.ts'
import { postEntries } from '#server/domains/ledger/post-entries.ts'
import { newUuid } from '#server/kit/id.ts'
import { invariant, present } from '#server/kit/invariant.ts'
import type { App } from '#server/platform/app.ts'
import { dateArray, int8Array, jsonArray, plainArray, textArray } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { accountIds, walletOf } from '../accounts.ts'
import { emitOrders } from '../emit-orders.ts'
import type { OrderRefusal } from '../errors.ts'
import { ordersPlaced } from '../events.ts'
import { Allowance } from '../limits/allowance.ts'
import { shownOf } from '../order-views.ts'
import { openRouter, type Route } from '../routing/router.ts'
import { type CheckedOrder, checkOrder, isRefusal, type OrderRequest, readOrder } from './check-order.ts'
import { contentOf, type KnownOrder, knownOrders } from './known-orders.ts'
import { isSole, SoleLinks } from './sole-links.ts'

/** Bounds how long a batch holds its customers' wallets. */
export const PLACE_ORDERS_MAX = 1_000

/** One order for a customer. */
export interface PlaceOrder extends OrderRequest {
  customer_id: bigint
}

/** `replayed`: the request key was known; this is the order it made then. `charge` in minor units of `asset`. */
export type PlaceOutcome =
  | { ok: true; order_id: bigint; charge: bigint; asset: string; replayed: boolean }
  | { ok: false; refusal: OrderRefusal }

/**
 * Prices the orders, holds the money, records them and queues them for dispatch, in one transaction: as many statements for one as for PLACE_ORDERS_MAX.
 * Outcome i answers input i; a refused input does not fail its neighbours. A request key makes repeating safe: the same request gets the first
 * order, whatever has become of the service since; another under that key is refused. InvariantError beyond PLACE_ORDERS_MAX.
 * With `tx` it all becomes part of that transaction, in which no account is locked yet.
 */
export async function placeOrders(app: App, inputs: readonly PlaceOrder[], tx?: Tx): Promise<PlaceOutcome[]> {
  invariant(inputs.length <= PLACE_ORDERS_MAX, 'placeOrders: batch too long')
  const services = await servicesByIds(app, [...new Set(inputs.map((input) => input.service_id))])
  const prices = await openPrices(
    app,
    inputs.map((input) => input.customer_id),
  )
  const router = await openRouter(app)
  const known = await knownOrders(app.db, inputs)
  const outcomes: (PlaceOutcome | undefined)[] = new Array(inputs.length)
  const wanted: Wanted[] = []
  for (const [place, input] of inputs.entries()) {
    const listed = services.get(input.service_id)
    const service = listed && prices.priced(input.customer_id, listed)
    const first = known.get(place)
    if (first) {
      outcomes[place] = answerAgain(first, service, input)
      continue
    }
    const checked = checkOrder(service, input)
    if (isRefusal(checked)) {
      outcomes[place] = { ok: false, refusal: checked }
      continue
    }
    const sold = present(service, 'a checked order has a service')
    wanted.push({ place, input, checked, service: sold, route: router.first(sold, checked.quantity) })
  }
  if (wanted.length > 0) await place(app, wanted, outcomes, tx)
  return outcomes.map((outcome) => present(outcome, 'every input has an outcome'))
}

interface Wanted {
  place: number
  input: PlaceOrder
  checked: CheckedOrder
  service: Service
  /** Where it is bought. */
  route: Route
}

/** An order whose money is held, ready to be recorded. */
interface Placed extends Candidate {
  hold: bigint
  /** When, where a day's limit depends on it; otherwise the transaction's own time. */
  placed_at: Date | undefined
}

/** An order about to be posted. Its number is drawn in the same round trip as the locks, and is 0 until then. */
interface Candidate extends Wanted {
  subject: { kind: 'order'; id: bigint }
  wallet: bigint
}

function answerAgain(first: KnownOrder, service: Service | undefined, input: PlaceOrder): PlaceOutcome {
  const read = service && first.service_id === input.service_id ? readOrder(service, input) : undefined
  if (!read || isRefusal(read) || contentOf(input.service_id, read) !== contentOf(first.service_id, first)) {
    return { ok: false, refusal: refusalOf('key_reused') }
  }
  return accepted(first.id, first.charge, true)
}

async function place(app: App, wanted: Wanted[], outcomes: (PlaceOutcome | undefined)[], own?: Tx): Promise<void> {
  const wallets = await accountIds(
    app.db,
    wanted.map((each) => walletOf(each.input.customer_id, SALE_ASSET)),
    own,
  )
  const placeWithin = async (tx: Tx) => {
    const candidates = wanted.map(
      (each, i): Candidate => ({ ...each, subject: { kind: 'order', id: 0n }, wallet: wallets[i] as bigint }),
    )
    const [allowance, links] = [new Allowance(app), new SoleLinks()]
    const held = await postEntries(tx, candidates.map(entryOf), async () => {
      const customers = new Set(candidates.map((each) => each.input.customer_id))
      const reading = [drawNumbers(tx, candidates), allowance.read(tx, [...customers]), links.read(tx, candidates)]
      await Promise.all(reading)
      if (allowance.is_empty && !candidates.some(isSole)) return undefined
      return (i) => admit(allowance, links, present(candidates[i], 'an entry has its order'), outcomes)
    })
    const placed: Placed[] = []
    const replayed: Wanted[] = []
    for (const [i, candidate] of candidates.entries()) {
      const outcome = present(held[i], 'every entry has an outcome')
      if (outcome.ok && !outcome.replayed) {
        const placed_at = allowance.momentOf(candidate.input.customer_id)
        placed.push({ ...candidate, hold: outcome.id, placed_at })
        outcomes[candidate.place] = accepted(candidate.subject.id, candidate.checked.charge, false)
      } else if (outcome.ok) replayed.push(candidate)
      else if (outcome.refusal !== 'withheld') {
        outcomes[candidate.place] = { ok: false, refusal: refusalOf(outcome.refusal) }
      }
    }
    if (placed.length > 0) {
      record(tx, placed)
      allowance.write(tx)
    }
    // After the insert, so that those of this batch are found too.
    const known = await knownOrders(
      tx,
      replayed.map((each) => each.input),
    )
    for (const [i, each] of replayed.entries()) {
      const { id, charge } = present(known.get(i), 'a replayed hold has its order')
      outcomes[each.place] = accepted(id, charge, true)
    }
  }
  await (own ? placeWithin(own) : app.db.transaction(placeWithin))
}

/** Whether the customer's limits and the service's rule for links leave room for the order; if not, that is its outcome. */
function admit(
  allowance: Allowance,
  links: SoleLinks,
  order: Candidate,
  outcomes: (PlaceOutcome | undefined)[],
): boolean {
  const refusal = links.refusalOf(order) ?? allowance.take(order.input.customer_id, order.checked.charge)
  if (refusal) outcomes[order.place] = { ok: false, refusal }
  else links.give(order)
  return refusal === undefined
}

const nextNumbers = statement(`select nextval('orders.order_number') as id from generate_series(1, $1::int)`)

async function drawNumbers(tx: Tx, candidates: readonly Candidate[]): Promise<void> {
  const numbers = await tx.query<{ id: bigint }>(nextNumbers, [candidates.length])
  for (const [i, { subject }] of candidates.entries()) subject.id = present(numbers[i], 'a number').id
}

/** The number is drawn anew at each try and the price may have changed since: neither makes it another request. */
function entryOf({ input, checked, subject, wallet }: Candidate): Entry {
  const { request_key } = input
  return {
    key: request_key === undefined ? `order:without-key:${newUuid()}` : `order:of:${input.customer_id}:${request_key}`,
    movements: [{ kind: 'hold', account: wallet, amount: checked.charge, subject }],
    content: contentOf(input.service_id, checked),
  }
}

function refusalOf(refusal: string): OrderRefusal {
  if (refusal === 'key_reused') {
    const message = 'This request key was used for another order.'
    return { code: 'request_key_reused', field: 'request_id', message }
  }
  invariant(refusal === 'insufficient_funds', `placeOrders: the ledger refused a hold: ${refusal}`)
  return { code: 'insufficient_funds', field: undefined, message: 'There are not enough funds on the balance.' }
}

function accepted(order_id: bigint, charge: bigint, replayed: boolean): PlaceOutcome {
  return { ok: true, order_id, charge, asset: SALE_ASSET, replayed }
}

const insertOrders = statement(`
  insert into orders.orders (id, customer_id, service_id, provider_id, wallet, hold, quantity, rate, charge, expected_cost, asset, cost_asset,
    type, link, params, provider_service_id, request_key, placed_at, sole_link)
  select id, customer_id, service_id, provider_id, wallet, hold, quantity, rate, charge, expected_cost, $16, cost_asset,
    type, link, coalesce(params, '{}'), provider_service_id, request_key, coalesce(placed_at, now()), coalesce(sole_link, false)
  from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[],
    $9::bigint[], $10::bigint[], $11::text[], $12::text[], $13::text[], $14::jsonb[], $15::text[], $17::text[], $18::timestamptz[], $19::boolean[])
    as new (id, customer_id, service_id, provider_id, wallet, hold, quantity, rate, charge, expected_cost, cost_asset,
      type, link, params, provider_service_id, request_key, placed_at, sole_link)`)

const insertFirstEvents = statement(`
  insert into orders.order_event (order_id, version, kind, to_state, actor)
  select id, 1, 'placed', 'queued', 'customer:' || customer_id from unnest($1::bigint[], $2::bigint[]) as new (id, customer_id)`)

function record(tx: Tx, placed: readonly Placed[]): void {
  const ids = int8Array(placed.map((order) => order.subject.id))
  const customers = int8Array(placed.map((order) => order.input.customer_id))
  tx.send(insertOrders, [
    ids,
    customers,
    int8Array(placed.map((order) => order.service.id)),
    int8Array(placed.map((order) => order.route.provider_id)),
    int8Array(placed.map((order) => order.wallet)),
    int8Array(placed.map((order) => order.hold)),
    int8Array(placed.map((order) => order.checked.quantity)),
    int8Array(placed.map((order) => order.service.rate)),
    int8Array(placed.map((order) => order.checked.charge)),
    int8Array(placed.map((order) => order.route.expected_cost)),
    textArray(placed.map((order) => order.route.cost_asset)),
    textArray(placed.map((order) => order.service.type)),
    textArray(placed.map((order) => order.checked.link)),
    jsonArray(placed.map((order) => (hasParams(order) ? order.checked.params : null))),
    textArray(placed.map((order) => order.route.provider_service_id)),
    SALE_ASSET,
    textArray(placed.map((order) => order.input.request_key)),
    dateArray(placed.map((order) => order.placed_at)),
    placed.some(isSole) ? plainArray(placed.map(isSole)) : null,
  ])
  tx.send(insertFirstEvents, [ids, customers])
  emitOrders(
    tx,
    ordersPlaced,
    placed.map((order) => ({
      order_id: order.subject.id,
      customer_id: order.input.customer_id,
      provider_id: order.route.provider_id,
      state: 'queued' as const,
      version: 1n,
      shown: shownOf({
        state: 'queued',
        charge: order.checked.charge,
        captured: 0n,
        refunded: 0n,
        asset: SALE_ASSET,
        start_count: null,
        remains: null,
        quantity: order.checked.quantity,
        service_id: order.service.id,
        request_key: order.input.request_key ?? null,
      }),
    })),
  )
}

function hasParams(order: Placed): boolean {
  return Object.keys(order.checked.params).length > 0
}
