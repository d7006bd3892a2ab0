import type { Actor } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import type { OrderList } from '#server/domains/providers/provider.ts'
import { present } from '#server/kit/invariant.ts'
import type { App } from '#server/platform/app.ts'
import { int8Array } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { type Resolution, resolutionChange, resolvedAct } from '../desk/resolve-order.ts'
import type { Order } from '../order.ts'
import type { OrderChange } from '../order-change.ts'
import { fromTo, movedTo } from '../routing/rerouted.ts'
import { openRouter, type Route } from '../routing/router.ts'
import { triedSources } from '../routing/tried-sources.ts'
import { lockOrders, writeOrders } from '../write-orders.ts'
import { judgeBalance, judgeCase, judgeList } from './judge-case.ts'
import { type Found, noteFindings } from './note-findings.ts'
import { readClaimed, readSurroundings } from './read-surroundings.ts'
import type { CaseEvidence, UnknownCase } from './unknown-case.ts'

/** How an order's history and the audit name the house where it closes a case by itself. */
export const RESOLVER = 'system:resolver'
export const RESOLVER_ACTOR: Actor = { kind: 'system', user_agent: 'resolver' }

/** An order that was sent again so often as it was proven not to be placed, and is not once more, is no matter of chance: a person should look. */
const RESENDS_MAX = 3

/** What a provider's list said, or why there is none. Neither, where it keeps none. */
export interface ListRead {
  list?: OrderList
  list_error?: string
  read_at: Date
}

/**
 * Judges cases of one provider by what its list says and our own books know, and closes those that are proven: placed under the number that was found, or not placed and then sent
 * again, to the next source where there is one, or failed when that happened RESENDS_MAX times before; what people sent again does not count. The others stay open with what was found. One transaction; what was closed otherwise meanwhile is left as it is.
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
    const absent = found.filter((each) => each.finding === 'not_placed').map(({ unknown }) => unknown.order.id)
    const tried = await triedSources(tx, absent)
    const proven = await absencesOf(tx, absent)
    const further: Further = {
      nextOf: (order) => router.next(order, tried(order.id)),
      absencesOf: (order) => 1 + (proven.get(order.id) ?? 0),
      now: app.clock.now(),
    }
    await writeOrders(
      app.db,
      tx,
      found.flatMap((each) => closing(tx, each, further)),
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

const provenAbsences = statement(`
  select order_id, count(*)::int as n from orders.unknown_case
  where order_id = any($1::bigint[]) and finding = 'not_placed' group by order_id`)

/** How often it was proven before that each of these orders was not placed. */
async function absencesOf(tx: Tx, ids: readonly bigint[]): Promise<Map<bigint, number>> {
  if (ids.length === 0) return new Map()
  const rows = await tx.query<{ order_id: bigint; n: number }>(provenAbsences, [int8Array(ids)])
  return new Map(rows.map((row) => [row.order_id, row.n]))
}

/** What becomes of orders that were not placed. */
interface Further {
  nextOf: (order: Order) => Route | undefined
  /** How often that is proven of an order, with this time. */
  absencesOf: (order: Order) => number
  now: Date
}

/** The change that a proof means, with its act; none where nothing is proven. */
function closing(tx: Tx, { unknown, finding, evidence }: Found, { nextOf, absencesOf, now }: Further): OrderChange[] {
  const grounds = { finding, evidence: { ...evidence } }
  if (finding === 'placed') {
    const [candidate] = evidence.list?.candidates ?? []
    const provider_order_id = present(candidate, 'what was found has a number').provider_order_id
    return [resolved(tx, unknown.order, { kind: 'placed', provider_order_id }, grounds, now)]
  }
  if (finding !== 'not_placed') return []
  const absences = absencesOf(unknown.order)
  if (absences <= RESENDS_MAX) {
    const again = resolved(tx, unknown.order, { kind: 'resend' }, grounds, now)
    return [elsewhere(again, nextOf(unknown.order))]
  }
  return [givenUp(tx, unknown.order, absences, grounds)]
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

function givenUp(
  tx: Tx,
  order: Order,
  absences: number,
  grounds: { finding: string; evidence: Record<string, unknown> },
): OrderChange {
  const detail = `The provider's list showed ${absences} times that it was not placed.`
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
