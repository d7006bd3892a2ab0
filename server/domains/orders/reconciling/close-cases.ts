import type { Actor } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import type { OrderList } from '#server/domains/providers/provider.ts'
import { present } from '#server/kit/invariant.ts'
import type { App } from '#server/platform/app.ts'
import type { Tx } from '#server/platform/db/database.ts'
import { type Resolution, resolutionChange, resolvedAct } from '../desk/resolve-order.ts'
import type { Order } from '../order.ts'
import { fromTo, movedTo } from '../routing/rerouted.ts'
import { openRouter, type Route } from '../routing/router.ts'
import { triedSources } from '../routing/tried-sources.ts'
import { lockOrders, type OrderChange, writeOrders } from '../write-orders.ts'
import { judgeBalance, judgeCase, judgeList } from './judge-case.ts'
import { type Found, noteFindings } from './note-findings.ts'
import { readClaimed, readSurroundings } from './read-surroundings.ts'
import type { CaseEvidence, UnknownCase } from './unknown-case.ts'

/** How an order's history and the audit name the house where it closes a case by itself. */
export const RESOLVER = 'system:resolver'
export const RESOLVER_ACTOR: Actor = { kind: 'system', user_agent: 'resolver' }

/** An order that was proven not to be placed so often is no matter of chance: a person should look. */
const RESENDS_MAX = 3

/** What a provider's list said, or why there is none. Neither, where it keeps none. */
export interface ListRead {
  list?: OrderList
  list_error?: string
  read_at: Date
}

/**
 * Judges cases of one provider by what its list says and our own books know, and closes those that are proven: placed under the number that was found, or not placed and then sent
 * again, to the next source where there is one, or failed when that happened RESENDS_MAX times. The others stay open with what was found. One transaction; what was closed otherwise meanwhile is left as it is.
 */
export async function closeCases(app: App, cases: readonly UnknownCase[], read: ListRead): Promise<Found[]> {
  const router = await openRouter(app)
  return app.db.transaction(async (tx) => {
    const orders = await lockOrders(
      tx,
      cases.map(({ order }) => order.id),
    )
    const open = cases.flatMap((unknown) => {
      const order = orders.get(unknown.order.id)
      return order?.state === 'unknown' && order.attempt === unknown.attempt.key ? [{ ...unknown, order }] : []
    })
    const found = await judge(tx, open, read)
    const absent = found.filter((each) => each.finding === 'not_placed').map((each) => each.unknown.order)
    const tried = await triedSources(
      tx,
      absent.map((order) => order.id),
    )
    const nextOf = (order: Order) => router.next(order, tried(order.id))
    await writeOrders(
      app.db,
      tx,
      found.flatMap((each) => closing(tx, each, nextOf, app.clock.now())),
    )
    noteFindings(app, tx, found)
    return found
  })
}

async function judge(tx: Tx, open: readonly UnknownCase[], { list, list_error, read_at }: ListRead): Promise<Found[]> {
  const [one] = open
  if (!one) return []
  const known = await readSurroundings(
    tx,
    open.map(({ attempt }) => attempt.key),
  )
  const started_ms = Math.min(...open.map(({ attempt }) => attempt.started_at.getTime()))
  const numbers = list?.orders.map(({ provider_order_id }) => provider_order_id) ?? []
  const claimed = await readClaimed(tx, one.attempt.provider_id, numbers, new Date(started_ms))
  return open.map((unknown) => {
    const around = present(known.get(unknown.attempt.key), 'a case has surroundings')
    const evidence: CaseEvidence = {
      balance: judgeBalance(unknown, around),
      rivals: around.rivals,
      duplicate_refusals: around.duplicate_refusals,
      list: list && judgeList(unknown, list, claimed, read_at),
      list_error,
    }
    return { unknown, finding: judgeCase(unknown, evidence, read_at), evidence }
  })
}

/** The change that a proof means, with its act; none where nothing is proven. */
function closing(
  tx: Tx,
  { unknown, finding, evidence }: Found,
  nextOf: (order: Order) => Route | undefined,
  now: Date,
): OrderChange[] {
  const grounds = { finding, evidence: { ...evidence } }
  if (finding === 'placed') {
    const [candidate] = evidence.list?.candidates ?? []
    const provider_order_id = present(candidate, 'what was found has a number').provider_order_id
    return [resolved(tx, unknown.order, { kind: 'placed', provider_order_id }, grounds, now)]
  }
  if (finding !== 'not_placed') return []
  if (unknown.order.resubmits < RESENDS_MAX) {
    const again = resolved(tx, unknown.order, { kind: 'resend' }, grounds, now)
    return [elsewhere(again, nextOf(unknown.order))]
  }
  return [givenUp(tx, unknown.order, grounds)]
}

function resolved(
  tx: Tx,
  order: Order,
  resolution: Resolution,
  grounds: { finding: string; evidence: Record<string, unknown> },
  now: Date,
): OrderChange {
  const change = resolutionChange(order, resolution, { actor: RESOLVER, evidence: grounds }, now)
  recordActs(tx, [resolvedAct(change, resolution, RESOLVER_ACTOR, JSON.parse(JSON.stringify(grounds)))])
  return change
}

/** What was not placed where it was goes on like what was refused there. */
function elsewhere(change: OrderChange, next: Route | undefined): OrderChange {
  const { before, after, step } = change
  if (!next || !step) return change
  const data = { ...step.data, ...fromTo(before, next) }
  return { before, after: { ...after, ...movedTo(before, next) }, step: { ...step, data } }
}

function givenUp(tx: Tx, order: Order, grounds: { finding: string; evidence: Record<string, unknown> }): OrderChange {
  const detail = `It was sent ${order.attempts} times, and the provider's list shows that it was not placed.`
  recordActs(tx, [
    {
      action: 'orders.resolved',
      actor: RESOLVER_ACTOR,
      subject: { kind: 'order', id: order.id },
      before: { state: order.state, reason: order.reason },
      after: { resolution: 'fail', state: 'failed', evidence: JSON.parse(JSON.stringify(grounds)) },
    },
  ])
  return {
    before: order,
    after: { state: 'failed', reason: 'not_placed', detail, attempt: null },
    step: { kind: 'rejected', actor: RESOLVER, data: { code: 'not_placed', ...grounds } },
  }
}
