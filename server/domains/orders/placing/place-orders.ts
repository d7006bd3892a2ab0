import { openPrices } from '#server/domains/catalog/plans/plan-prices.ts'
import { servicesByIds } from '#server/domains/catalog/sellable-services.ts'
import { SALE_ASSET, type Service } from '#server/domains/catalog/service.ts'
import type { Entry } from '#server/domains/ledger/entry.ts'
import { postEntries } from '#server/domains/ledger/post-entries.ts'
import { invariant, present } from '#server/kit/invariant.ts'
import type { App } from '#server/platform/app.ts'
import type { Tx } from '#server/platform/db/database.ts'
import { accountIds, walletOf } from '../accounts.ts'
import { drawNumbers } from '../draw-numbers.ts'
import { dueAt } from '../drip-feed/drip-feed.ts'
import type { OrderRefusal } from '../errors.ts'
import { Allowance } from '../limits/allowance.ts'
import { openRouter } from '../routing/router.ts'
import { subscriptionPostsMax } from '../subscriptions/settings.ts'
import { type SubscriptionTerms, termsOf } from '../subscriptions/subscription.ts'
import { type CheckedOrder, checkOrder, isRefusal, readOrder } from './check-order.ts'
import { contentOf, type KnownOrder, knownOrders } from './known-orders.ts'
import type { Candidate, Placed, PlaceOrder, Subject, Wanted } from './placement.ts'
import { weightOf } from './read-rhythm.ts'
import { recordPlaced } from './record-placed.ts'
import { isSole, SoleLinks } from './sole-links.ts'

/** Bounds how long a batch holds its customers' wallets. Each run of a drip-feed counts. */
export const PLACE_ORDERS_MAX = 1_000

/** `replayed`: the request key was known; this is the order it made then. `charge` in minor units of `asset`; of a drip-feed that of all runs, and `order_id` is its own number. */
export type PlaceOutcome =
  | { ok: true; order_id: bigint; charge: bigint; asset: string; replayed: boolean }
  | { ok: false; refusal: OrderRefusal }

/**
 * Prices the orders, holds the money, records them and queues them for dispatch, in one transaction: as many statements for one as for PLACE_ORDERS_MAX.
 * Outcome i answers input i; a refused input does not fail its neighbours. A request key makes repeating safe: the same request gets the first
 * order, whatever has become of the service since; another under that key is refused. InvariantError beyond PLACE_ORDERS_MAX.
 * A drip-feed becomes an order for each of its runs, all or none of them, with the money for all held at once. With `tx` it all becomes part of that transaction, in which no account is locked yet.
 */
export async function placeOrders(app: App, inputs: readonly PlaceOrder[], tx?: Tx): Promise<PlaceOutcome[]> {
  const weight = inputs.reduce((all, input) => all + weightOf(input), 0)
  invariant(weight <= PLACE_ORDERS_MAX, 'placeOrders: batch too long')
  const services = await servicesByIds(app, [...new Set(inputs.map((input) => input.service_id))])
  const customers = inputs.map((input) => input.customer_id)
  const router = await openRouter(app)
  const [prices, known] = await Promise.all([openPrices(app, customers), knownOrders(app.db, inputs)])
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
    const terms = sold.type === 'Subscriptions' ? subscriptionTerms(app, checked) : undefined
    if (terms && isRefusal(terms)) {
      outcomes[place] = { ok: false, refusal: terms }
      continue
    }
    wanted.push({ place, input, checked, service: sold, route: router.first(sold, checked.quantity), terms })
  }
  if (wanted.length > 0) await place(app, wanted, outcomes, tx)
  return outcomes.map((outcome) => present(outcome, 'every input has an outcome'))
}

function subscriptionTerms(app: App, { params }: CheckedOrder): SubscriptionTerms | OrderRefusal {
  return termsOf(params, app.settings.read(subscriptionPostsMax), app.clock.now())
}

function answerAgain(first: KnownOrder, service: Service | undefined, input: PlaceOrder): PlaceOutcome {
  const read = service && first.service_id === input.service_id ? readOrder(service, input) : undefined
  if (!read || isRefusal(read) || contentOf(input.service_id, read) !== contentOf(first.service_id, first)) {
    return { ok: false, refusal: refusalOf('key_reused') }
  }
  return accepted(first.id, first.charge, true)
}

function candidateOf(wanted: Wanted, wallet: bigint): Candidate {
  const { rhythm } = wanted.checked
  const subjects = rhythm ? Array.from({ length: rhythm.runs }, newSubject) : [newSubject()]
  return { ...wanted, number: 0n, subjects, wallet }
}

function newSubject(): Subject {
  return { kind: 'order', id: 0n }
}

async function place(app: App, wanted: Wanted[], outcomes: (PlaceOutcome | undefined)[], own?: Tx): Promise<void> {
  const wallets = await accountIds(
    app.db,
    wanted.map((each) => walletOf(each.input.customer_id, SALE_ASSET)),
    own,
  )
  const placeWithin = async (tx: Tx) => {
    const candidates = wanted.map((each, i) => candidateOf(each, wallets[i] as bigint))
    const [allowance, links] = [new Allowance(app), new SoleLinks()]
    const held = await postEntries(tx, candidates.map(entryOf), async () => {
      const placers = candidates.map(({ input }) => input)
      const reading = [numberAll(tx, candidates), allowance.read(tx, placers), links.read(tx, candidates)]
      await Promise.all(reading)
      if (allowance.is_empty && !candidates.some(isSole)) return undefined
      return (i) => admit(allowance, links, present(candidates[i], 'an entry has its order'), outcomes)
    })
    const now = app.clock.now()
    const placed: Placed[] = []
    const replayed: Wanted[] = []
    for (const [i, candidate] of candidates.entries()) {
      const outcome = present(held[i], 'every entry has an outcome')
      if (outcome.ok && !outcome.replayed) {
        placed.push(...placedOf(candidate, outcome.id, allowance.momentOf(candidate.input), now))
        outcomes[candidate.place] = accepted(candidate.number, chargeOf(candidate), false)
      } else if (outcome.ok) replayed.push(candidate)
      else if (outcome.refusal !== 'withheld') {
        outcomes[candidate.place] = { ok: false, refusal: refusalOf(outcome.refusal) }
      }
    }
    if (placed.length > 0) {
      recordPlaced(tx, placed)
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

/** The orders that were posted: movement i of the entry holds the money of order i. */
function placedOf(candidate: Candidate, first_hold: bigint, placed_at: Date | undefined, now: Date): Placed[] {
  const { rhythm } = candidate.checked
  return candidate.subjects.map((subject, i) => {
    const run = rhythm && { number: i + 1, not_before: dueAt(rhythm, i + 1, placed_at ?? now) }
    return { ...candidate, subject, hold: first_hold + BigInt(i), placed_at, run }
  })
}

/** What is held in all. */
function chargeOf({ checked, subjects }: Candidate): bigint {
  return checked.charge * BigInt(subjects.length)
}

/** Whether the customer's limits and the service's rule for links leave room for the order; if not, that is its outcome. */
function admit(
  allowance: Allowance,
  links: SoleLinks,
  order: Candidate,
  outcomes: (PlaceOutcome | undefined)[],
): boolean {
  const refusal = links.refusalOf(order) ?? allowance.take(order.input, order.checked.charge, order.subjects.length)
  if (refusal) outcomes[order.place] = { ok: false, refusal }
  else links.give(order)
  return refusal === undefined
}

async function numberAll(tx: Tx, candidates: readonly Candidate[]): Promise<void> {
  const count = candidates.reduce((all, { subjects, checked }) => all + subjects.length + (checked.rhythm ? 1 : 0), 0)
  const numbers = await drawNumbers(tx, count)
  let next = 0
  for (const candidate of candidates) {
    candidate.number = present(numbers[next], 'a number')
    // An order has the number that is told; a drip-feed has one besides those of its runs.
    if (candidate.checked.rhythm) next += 1
    for (const subject of candidate.subjects) subject.id = present(numbers[next++], 'a number')
  }
}

/** The number is drawn anew at each try and the price may have changed since: neither makes it another request. */
function entryOf({ input, checked, subjects, wallet }: Candidate): Entry {
  const { request_key } = input
  return {
    key: request_key === undefined ? undefined : `order:of:${input.customer_id}:${request_key}`,
    movements: subjects.map((subject) => ({ kind: 'hold', account: wallet, amount: checked.charge, subject })),
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
