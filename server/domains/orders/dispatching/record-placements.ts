import type { PlaceOutcome } from '#server/domains/providers/provider.ts'
import { invariant } from '#server/kit/invariant.ts'
import type { App } from '#server/platform/app.ts'
import { int8Array, plainArray, textArray } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import type { Order } from '../order.ts'
import { judgeSources } from '../routing/judge-sources.ts'
import { mayFailOver } from '../routing/rerouted.ts'
import { openRouter, type Route, type Router } from '../routing/router.ts'
import { triedSources } from '../routing/tried-sources.ts'
import { lockOrders, writeOrders } from '../write-orders.ts'
import { lateAcceptances, paidForNothing } from './late-acceptances.ts'
import { placementChange } from './placement-change.ts'

/** How the attempt `key` to place an order ended. */
export interface Placement {
  order_id: bigint
  key: string
  /** Which sending under this key it was, where the same was sent again; the first without it. */
  repeat?: number | undefined
  outcome: PlaceOutcome
}

/** Bounds how long a batch holds its rows. */
export const RECORD_PLACEMENTS_MAX = 500

/**
 * Writes down how attempts ended, in one transaction: accepted orders get the provider's number and their cost is booked; refused ones are queued at their next source, or
 * fail where there is none; those that may have been placed become unknown; those that certainly never left are queued again. May be told the same twice. The answer of an attempt that
 * was given up changes nothing, unless the provider took it after all: then its cost is booked, it is flagged, and an error logged, for no one follows it there. The same goes for a second
 * number under one attempt.
 * InvariantError beyond RECORD_PLACEMENTS_MAX.
 */
export async function recordPlacements(app: App, placements: readonly Placement[]): Promise<void> {
  invariant(placements.length <= RECORD_PLACEMENTS_MAX, 'recordPlacements: batch too long')
  const now = app.clock.now()
  // An order changes once in a transaction.
  const first = new Map<bigint, Placement>()
  for (const placement of placements) {
    if (!first.has(placement.order_id)) first.set(placement.order_id, placement)
  }
  const router = await openRouter(app)
  const judged = await app.db.transaction(async (tx) => {
    const orders = await lockOrders(tx, [...first.keys()])
    const told = [...orders.values()].map((order) => ({ order, placement: first.get(order.id) as Placement }))
    const repeated = await repeatedSince(tx, told)
    const current = await withoutTakenNumbers(
      tx,
      told.filter((each) => isAwaited(each) && !repeated.has(each.placement)),
    )
    const late = await lateAcceptances(
      tx,
      told.filter((each) => each.placement.outcome.outcome === 'accepted' && !isAwaited(each)),
    )
    const nextOf = await nextRoutes(tx, router, current)
    await writeOrders(app.db, tx, [
      ...current.map(({ order, placement }) => placementChange(order, placement.outcome, now, nextOf(order))),
      ...late.map(paidForNothing),
    ])
    // Of two numbers under one key the attempt keeps the first.
    endAttempts(tx, [...current, ...late.filter(({ attempt }) => !attempt.twice)])
    tx.onCommit(() => {
      for (const { order, placement, attempt } of late) {
        const what = attempt.twice ? 'a provider took an order twice' : 'an order was placed after it was given up'
        app.log.error({ ...placement, state: order.state }, what)
      }
    })
    return current
  })
  await judgeSources(
    app,
    router,
    judged.map(({ order, placement }) => ({ source: order, outcome: placement.outcome })),
  )
  const others = placements.filter((placement) => first.get(placement.order_id) !== placement)
  if (others.length > 0) await recordPlacements(app, others)
}

interface Told {
  order: Order
  placement: Placement
}

/** A sweep may have called the order unknown meanwhile; the answer that came late is still the answer. */
function isAwaited({ order, placement }: Told): boolean {
  if (order.attempt !== placement.key) return false
  return order.state === 'dispatching' || (order.state === 'unknown' && placement.outcome.outcome !== 'unknown')
}

const repeatsOf = statement(`select key, repeats from orders.attempt where key = any($1::uuid[])`)

/**
 * Ends of sendings after which the same was sent again. That it was taken remains true; that one of them was refused, or is not known, says nothing about those
 * after it.
 */
async function repeatedSince(tx: Tx, told: readonly Told[]): Promise<Set<Placement>> {
  const open = told.map(({ placement }) => placement).filter(({ outcome }) => outcome.outcome !== 'accepted')
  if (open.length === 0) return new Set()
  const rows = await tx.query<{ key: string; repeats: number }>(repeatsOf, [plainArray(open.map(({ key }) => key))])
  const repeats = new Map(rows.map((row) => [row.key, row.repeats]))
  return new Set(open.filter(({ key, repeat = 0 }) => repeat < (repeats.get(key) ?? 0)))
}

/** Where refused orders go next. Only they pay for looking it up. */
async function nextRoutes(tx: Tx, router: Router, told: readonly Told[]): Promise<(order: Order) => Route | undefined> {
  const refused = told.filter(({ order, placement: { outcome } }) => {
    return outcome.outcome === 'rejected' && mayFailOver(outcome.code) && router.hasOthers(order.service_id)
  })
  const tried = await triedSources(
    tx,
    refused.map(({ order }) => order.id),
  )
  const next = new Map(refused.map(({ order }) => [order.id, router.next(order, tried(order.id))]))
  return (order) => next.get(order.id)
}

const takenNumbers = statement(`
  select o.provider_id, o.provider_order_id
  from unnest($1::bigint[], $2::text[]) as told (provider_id, provider_order_id)
  join orders.orders o using (provider_id, provider_order_id)`)

/** A number that already belongs to another order tells nothing about this one. */
async function withoutTakenNumbers(tx: Tx, told: readonly Told[]): Promise<Told[]> {
  const accepted = told.flatMap(({ order, placement: { outcome } }) =>
    outcome.outcome === 'accepted'
      ? [{ provider_id: order.provider_id, provider_order_id: outcome.provider_order_id }]
      : [],
  )
  if (accepted.length === 0) return [...told]
  const rows = await tx.query<{ provider_id: bigint; provider_order_id: string }>(takenNumbers, [
    int8Array(accepted.map((each) => each.provider_id)),
    textArray(accepted.map((each) => each.provider_order_id)),
  ])
  const taken = new Set(rows.map((row) => `${row.provider_id}/${row.provider_order_id}`))
  return told.map(({ order, placement }) => {
    if (placement.outcome.outcome !== 'accepted') return { order, placement }
    const { provider_order_id } = placement.outcome
    const number = `${order.provider_id}/${provider_order_id}`
    if (!taken.has(number)) {
      taken.add(number)
      return { order, placement }
    }
    const message = `The provider answered number ${provider_order_id}, which is another order's.`
    return { order, placement: { ...placement, outcome: { outcome: 'unknown', reason: 'unreadable_answer', message } } }
  })
}

const endAttempt = statement(`
  update orders.attempt a set state = new.state, code = new.code, message = new.message,
    provider_order_id = new.provider_order_id, ended_at = now()
  from (select unnest($1::uuid[]) as key, unnest($2::text[]) as state, unnest($3::text[]) as code, unnest($4::text[]) as message,
    unnest($5::text[]) as provider_order_id) as new
  where a.key = new.key`)

function endAttempts(tx: Tx, told: readonly Told[]): void {
  if (told.length === 0) return
  const outcomes = told.map(({ placement }) => placement.outcome)
  tx.send(endAttempt, [
    plainArray(told.map(({ placement }) => placement.key)),
    textArray(outcomes.map((outcome) => outcome.outcome)),
    textArray(outcomes.map(codeOf)),
    textArray(outcomes.map((outcome) => (outcome.outcome === 'accepted' ? null : outcome.message.slice(0, 500)))),
    textArray(outcomes.map((outcome) => (outcome.outcome === 'accepted' ? outcome.provider_order_id : null))),
  ])
}

function codeOf(outcome: PlaceOutcome): string | null {
  if (outcome.outcome === 'accepted') return null
  return outcome.outcome === 'rejected' ? outcome.code : outcome.reason
}
