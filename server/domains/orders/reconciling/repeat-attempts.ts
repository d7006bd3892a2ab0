import { recordActs } from '#server/domains/audit/record-acts.ts'
import type { PlaceOutcome, UnknownReason } from '#server/domains/providers/provider.ts'
import { type ProviderRow, providerCan } from '#server/domains/providers/provider-row.ts'
import type { OpenProvider } from '#server/domains/providers/registry.ts'
import type { App } from '#server/platform/app.ts'
import { plainArray } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { placeRequest } from '../dispatching/place-request.ts'
import type { Placement } from '../dispatching/record-placements.ts'
import { isSubscription } from '../order.ts'
import type { OrderChange } from '../order-change.ts'
import { lockOrders, writeOrders } from '../write-orders.ts'
import { RESOLVER, RESOLVER_ACTOR } from './close-cases.ts'
import type { UnknownCase } from './unknown-case.ts'

/** A provider that leaves so many in a row unanswered is asked no more for this order. */
const REPEATS_MAX = 5

/** Beyond the time that the call itself may take: for committing the claim, and for writing the outcome down. */
const LEASE_EXTRA_MS = 8_000

/**
 * Whether the order of a case may be sent once more under the key of its attempt: only while the provider takes that for the same order, by what it was said to do when it was sent
 * first and is said to do still, and with the time that the call may take to spare.
 */
export function mayRepeat(
  { attempt, order }: Pick<UnknownCase, 'attempt' | 'order'>,
  row: ProviderRow,
  now: Date,
): boolean {
  // Such a provider knows an order again by its link and quantity, which a subscription is sent without.
  if (isSubscription(order) && row.idempotency === 'natural_window') return false
  if (row.idempotency === 'none' || attempt.idempotency !== row.idempotency) return false
  if (attempt.repeats >= REPEATS_MAX || !providerCan.place(row, now)) return false
  const ends_ms = attempt.started_at.getTime() + row.idempotency_window_s * 1_000
  return now.getTime() + callMs(row) < ends_ms
}

/** What a call may take at the most: waiting for a line, being sent, being answered. */
function callMs({ timeout_ms }: ProviderRow): number {
  return 3 * timeout_ms
}

/**
 * Sends the orders of cases once more under the keys of their attempts. Whether they had been placed or not, each is then placed once, and its provider's answer says under which number. Meanwhile
 * they are dispatching, so that nobody resolves them otherwise. Only that an order was taken proves something: refused, it may be there already.
 */
export async function repeatAttempts(
  app: App,
  provider: OpenProvider,
  cases: readonly UnknownCase[],
  record: (placement: Placement) => Promise<void>,
): Promise<void> {
  const claimed_until = new Date(app.clock.now().getTime() + callMs(provider.row) + LEASE_EXTRA_MS)
  const claimed = await app.db.transaction((tx) => claim(app, tx, cases, claimed_until))
  await Promise.all(
    claimed.map(async ({ order, attempt, repeat }) => {
      // The claim may have waited for locks: what is too late now is not sent.
      const outcome = mayRepeat({ attempt, order }, provider.row, app.clock.now())
        ? await provider.place(placeRequest(order, attempt.key), { order_id: order.id })
        : tooLate()
      const proof = outcome.outcome === 'accepted' ? outcome : unproven(outcome, attempt.code)
      await record({ order_id: order.id, key: attempt.key, repeat, outcome: proof })
    }),
  )
  await app.db.query(noteRepeated, [plainArray(claimed.map(({ attempt }) => attempt.key))])
}

const beginAgain = statement(`
  update orders.attempt set state = 'sent', ended_at = null, code = null, message = null, repeats = repeats + 1
  where key = any($1::uuid[]) returning key, repeats`)

// What was read of our balance before the same was sent again says nothing about that.
const forgetBalances = statement(`
  update orders.unknown_case set balance_after = null, balance_after_at = null where attempt = any($1::uuid[])`)

const noteRepeated = statement(`
  update orders.unknown_case c set finding = 'repeated', next_try_at = null
  from orders.attempt a where a.key = c.attempt and a.key = any($1::uuid[]) and a.state = 'accepted'`)

type Claimed = UnknownCase & { repeat: number }

/** Commits the intent before anything is sent, as for a first sending. */
async function claim(app: App, tx: Tx, cases: readonly UnknownCase[], claimed_until: Date): Promise<Claimed[]> {
  const orders = await lockOrders(
    tx,
    cases.map(({ order }) => order.id),
  )
  const open = cases.filter(({ order: { id }, attempt }) => {
    const order = orders.get(id)
    return order?.state === 'unknown' && order.attempt === attempt.key
  })
  if (open.length === 0) return []
  const changes = open.map(({ order: { id }, attempt }): OrderChange => {
    const data = { attempt: attempt.number, repeat: attempt.repeats + 1, idempotency: attempt.idempotency }
    const before = orders.get(id) as UnknownCase['order']
    return {
      before,
      after: { state: 'dispatching', claimed_until },
      step: { kind: 'sent', actor: RESOLVER, data },
    }
  })
  await writeOrders(app.db, tx, changes)
  const keys = plainArray(open.map(({ attempt }) => attempt.key))
  tx.send(forgetBalances, [keys])
  const begun = await tx.query<{ key: string; repeats: number }>(beginAgain, [keys])
  const repeats = new Map(begun.map((row) => [row.key, row.repeats]))
  recordActs(
    tx,
    changes.map(({ before, step }) => ({
      action: 'orders.repeated',
      actor: RESOLVER_ACTOR,
      subject: { kind: 'order', id: before.id },
      before: { state: before.state, reason: before.reason },
      after: { state: 'dispatching', ...(step?.data as Record<string, string | number>) },
    })),
  )
  return open.map((unknown) => ({ ...unknown, repeat: repeats.get(unknown.attempt.key) ?? 0 }))
}

function tooLate(): Exclude<PlaceOutcome, { outcome: 'accepted' }> {
  return { outcome: 'rejected', code: 'not_sent', message: 'not asked again: the claim took too long' }
}

/** A refusal of the same order sent again says nothing about the first sending: it may be refused because that one is there. */
function unproven(outcome: Exclude<PlaceOutcome, { outcome: 'accepted' }>, reason: string | null): PlaceOutcome {
  if (outcome.outcome === 'unknown') return outcome
  const message = `Sent again under the same key: ${outcome.code}: ${outcome.message}`
  return { outcome: 'unknown', reason: (reason ?? 'interrupted') as UnknownReason, message }
}
