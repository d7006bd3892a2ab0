import type { Entry, Movement } from '#server/domains/ledger/entry.ts'
import { postEntries } from '#server/domains/ledger/post-entries.ts'
import { invariant } from '#server/kit/invariant.ts'
import type { Db, Tx } from '#server/platform/db/database.ts'
import { accountIds, costIn, prepaidAt, revenueIn } from './accounts.ts'
import { type FormerCost, leavesProvider, type OrderChange } from './order-change.ts'

/**
 * Posts what changes of orders mean in money: what is captured goes from the hold to revenue, what is released back to the wallet, what is refunded from revenue to the wallet, and what a cost grows or
 * shrinks by between our prepaid balance with the provider and the cost of the house. InvariantError when the ledger refuses, for orders and holds were locked
 * and checked together.
 */
export async function moveMoney(db: Db, tx: Tx, changes: readonly OrderChange[]): Promise<void> {
  const moved = changes.filter((change) => costOf(change).cost !== 0n || settles(change))
  if (moved.length === 0) return
  const accounts = await accountIds(
    db,
    moved.flatMap((change) => {
      const { provider_id, asset } = costOf(change)
      return [prepaidAt(provider_id, asset), costIn(asset), revenueIn(change.before.asset)]
    }),
    tx,
  )
  const entries = moved.map((change, i) => {
    const [prepaid, cost, revenue] = accounts.slice(3 * i, 3 * i + 3) as [bigint, bigint, bigint]
    const movements = [...costMovements(change, prepaid, cost), ...settlement(change, revenue)]
    // A version is written once, so its money moves once.
    return { key: `order:${change.before.id}:${change.before.version + 1n}`, movements } satisfies Entry
  })
  const outcomes = await postEntries(tx, entries)
  const refused = outcomes.findIndex((outcome) => !outcome.ok || outcome.replayed)
  invariant(refused < 0, `the ledger did not take ${entries[refused]?.key}: ${JSON.stringify(outcomes[refused], text)}`)
}

/** What the cost grows by, and where: at the order's provider, or at one that it has left. An order that leaves its provider takes no cost with it. */
function costOf(change: OrderChange): FormerCost {
  const { before, after, paid_elsewhere } = change
  if (paid_elsewhere) return paid_elsewhere
  const growth = leavesProvider(change) ? 0n : (after.booked_cost ?? before.booked_cost) - before.booked_cost
  return { provider_id: before.provider_id, asset: before.cost_asset, cost: growth }
}

function settles({ before, after }: OrderChange): boolean {
  return captureOf({ before, after }) > 0n || releaseOf({ before, after }) > 0n || refundOf({ before, after }) > 0n
}

function captureOf({ before, after }: OrderChange): bigint {
  return (after.captured ?? before.captured) - before.captured
}

function releaseOf({ before, after }: OrderChange): bigint {
  return (after.released ?? before.released) - before.released
}

function refundOf({ before, after }: OrderChange): bigint {
  return (after.refunded ?? before.refunded) - before.refunded
}

function costMovements(change: OrderChange, prepaid: bigint, cost: bigint): Movement[] {
  const growth = costOf(change).cost
  if (growth === 0n) return []
  const common = { kind: 'transfer', reason: 'order.cost', subject: { kind: 'order', id: change.before.id } } as const
  return growth > 0n
    ? [{ ...common, debit: prepaid, credit: cost, amount: growth }]
    : [{ ...common, debit: cost, credit: prepaid, amount: -growth }]
}

function settlement(change: OrderChange, revenue: bigint): Movement[] {
  const { id, hold, wallet } = change.before
  const subject = { kind: 'order', id }
  const [captured, released, refunded] = [captureOf(change), releaseOf(change), refundOf(change)]
  const movements: Movement[] = []
  if (captured > 0n) {
    movements.push({ kind: 'capture', hold, credit: revenue, amount: captured, reason: 'order.capture', subject })
  }
  if (released > 0n) movements.push({ kind: 'release', hold, amount: released })
  if (refunded > 0n) {
    const sides = { debit: revenue, credit: wallet }
    movements.push({ kind: 'transfer', ...sides, amount: refunded, reason: 'order.refund', subject })
  }
  return movements
}

function text(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value
}
