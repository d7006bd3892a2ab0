import type { Entry } from '#server/domains/ledger/entry.ts'
import { postEntries } from '#server/domains/ledger/post-entries.ts'
import type { PlaceOutcome } from '#server/domains/providers/provider.ts'
import type { App } from '#server/platform/app.ts'
import { int8Array, plainArray, textArray } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { accountIds, costIn, prepaidAt } from './accounts.ts'
import type { Order } from './order.ts'
import { nextCheck_ms } from './poll-schedule.ts'
import { lockOrders, type OrderChange, writeOrders } from './write-orders.ts'

/** How the attempt `key` to place an order ended. */
export interface Placement {
  order_id: bigint
  key: string
  outcome: PlaceOutcome
}

/** Bounds how long a batch holds its rows. */
export const RECORD_PLACEMENTS_MAX = 500

/** After so many sendings that never left the house, a person should look. */
const ATTEMPTS_MAX = 20

/**
 * Writes down how attempts ended, in one transaction: accepted orders get the provider's number and their cost is booked; refused ones fail; those
 * that may have been placed become unknown; those that certainly never left are queued again. An attempt that is not the order's current one changes nothing.
 */
export async function recordPlacements(app: App, placements: readonly Placement[]): Promise<void> {
  const now = app.clock.now()
  await app.db.transaction(async (tx) => {
    const orders = await lockOrders(
      tx,
      placements.map((placement) => placement.order_id),
    )
    const current = placements.flatMap((placement) => {
      const order = orders.get(placement.order_id)
      // A sweep may have called it unknown meanwhile; the answer that came late is still the answer.
      const waits = order?.state === 'dispatching' || order?.state === 'unknown'
      return order && waits && order.attempt === placement.key ? [{ order, placement }] : []
    })
    const settled = await withoutTakenNumbers(tx, current)
    const changes = settled.map(({ order, outcome }) => changeFor(order, outcome, now))
    await bookCosts(app, tx, changes)
    writeOrders(tx, changes)
    endAttempts(tx, settled)
  })
}

interface Settled {
  order: Order
  outcome: PlaceOutcome
}

const takenNumbers = statement(`
  select o.provider_id, o.provider_order_id
  from unnest($1::bigint[], $2::text[]) as told (provider_id, provider_order_id)
  join orders.orders o using (provider_id, provider_order_id)`)

/** A number that already belongs to another order tells nothing about this one. */
async function withoutTakenNumbers(tx: Tx, current: { order: Order; placement: Placement }[]): Promise<Settled[]> {
  const told = current.flatMap(({ order, placement }) =>
    placement.outcome.outcome === 'accepted'
      ? [{ provider_id: order.provider_id, provider_order_id: placement.outcome.provider_order_id }]
      : [],
  )
  const taken = new Set<string>()
  if (told.length > 0) {
    const rows = await tx.query<{ provider_id: bigint; provider_order_id: string }>(takenNumbers, [
      int8Array(told.map((each) => each.provider_id)),
      textArray(told.map((each) => each.provider_order_id)),
    ])
    for (const row of rows) taken.add(`${row.provider_id}/${row.provider_order_id}`)
  }
  return current.map(({ order, placement: { outcome } }) => {
    if (outcome.outcome !== 'accepted') return { order, outcome }
    const number = `${order.provider_id}/${outcome.provider_order_id}`
    if (!taken.has(number)) {
      taken.add(number)
      return { order, outcome }
    }
    const message = `The provider answered number ${outcome.provider_order_id}, which is another order's.`
    return { order, outcome: { outcome: 'unknown', reason: 'unreadable_answer', message } }
  })
}

function changeFor(order: Order, outcome: PlaceOutcome, now: Date): OrderChange {
  switch (outcome.outcome) {
    case 'accepted':
      return {
        before: order,
        after: {
          state: 'pending',
          reason: null,
          detail: null,
          provider_order_id: outcome.provider_order_id,
          booked_cost: outcome.charge ?? order.expected_cost,
          accepted_at: now,
          next_check_at: new Date(now.getTime() + nextCheck_ms(0, 0)),
        },
        step: { kind: 'accepted', data: { provider_order_id: outcome.provider_order_id, attempt: order.attempts } },
      }
    case 'rejected':
      return outcome.code === 'not_sent' || outcome.code === 'rate_limited'
        ? postponed(order, outcome)
        : refused(order, outcome.code, outcome.message)
    case 'unknown':
      return {
        before: order,
        after: { state: 'unknown', reason: outcome.reason, detail: outcome.message.slice(0, 500) },
        step: { kind: 'unknown', data: { reason: outcome.reason, attempt: order.attempts } },
      }
  }
}

function postponed(order: Order, outcome: { code: string; message: string }): OrderChange {
  if (order.attempts >= ATTEMPTS_MAX) return refused(order, outcome.code, outcome.message)
  return {
    before: order,
    after: { state: 'queued', reason: outcome.code, detail: outcome.message.slice(0, 500), attempt: null },
    step: { kind: 'postponed', data: { code: outcome.code, attempt: order.attempts } },
  }
}

function refused(order: Order, code: string, message: string): OrderChange {
  return {
    before: order,
    after: {
      state: 'failed',
      reason: code,
      detail: message.slice(0, 500),
      attempt: null,
      balance_check_status: code === 'insufficient_provider_balance' ? 'insufficient' : order.balance_check_status,
    },
    step: { kind: 'rejected', data: { code, attempt: order.attempts } },
  }
}

/** Books what each change adds to or takes from its order's cost: between our prepaid balance with the provider and the cost of the house. */
export async function bookCosts(app: App, tx: Tx, changes: readonly OrderChange[], more: Entry[] = []): Promise<void> {
  const moved = changes.filter(
    ({ before, after }) => after.booked_cost !== undefined && after.booked_cost !== before.booked_cost,
  )
  const accounts = await accountIds(
    app.db,
    moved.flatMap(({ before }) => [prepaidAt(before.provider_id, before.cost_asset), costIn(before.cost_asset)]),
  )
  const entries = moved.map(({ before, after }, i): Entry => {
    const difference = (after.booked_cost as bigint) - before.booked_cost
    const [prepaid, cost] = [accounts[2 * i] as bigint, accounts[2 * i + 1] as bigint]
    const [debit, credit] = difference > 0n ? [prepaid, cost] : [cost, prepaid]
    const amount = difference > 0n ? difference : -difference
    const subject = { kind: 'order', id: before.id }
    return {
      key: `order:${before.id}:cost:${before.version + 1n}`,
      movements: [{ kind: 'transfer', debit, credit, amount, reason: 'order.cost', subject }],
    }
  })
  const outcomes = await postEntries(tx, [...entries, ...more])
  const failed = outcomes.findIndex((outcome) => !outcome.ok)
  if (failed >= 0) {
    const key = [...entries, ...more][failed]?.key
    throw new Error(`the ledger refused ${key}: ${JSON.stringify(outcomes[failed])}`)
  }
}

const endAttempt = statement(`
  update orders.attempt a set state = new.state, code = new.code, message = new.message,
    provider_order_id = new.provider_order_id, ended_at = now()
  from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[]) as new (key, state, code, message, provider_order_id)
  where a.key = new.key`)

function endAttempts(tx: Tx, settled: readonly Settled[]): void {
  if (settled.length === 0) return
  tx.send(endAttempt, [
    plainArray(settled.map(({ order }) => order.attempt)),
    textArray(settled.map(({ outcome }) => outcome.outcome)),
    textArray(settled.map(({ outcome }) => codeOf(outcome))),
    textArray(settled.map(({ outcome }) => (outcome.outcome === 'accepted' ? null : outcome.message.slice(0, 500)))),
    textArray(settled.map(({ outcome }) => (outcome.outcome === 'accepted' ? outcome.provider_order_id : null))),
  ])
}

function codeOf(outcome: PlaceOutcome): string | null {
  if (outcome.outcome === 'accepted') return null
  return outcome.outcome === 'rejected' ? outcome.code : outcome.reason
}
