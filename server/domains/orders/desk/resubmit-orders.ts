import type { Act, Actor } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import { type BalanceAnswer, checkBalance } from '#server/domains/providers/check-balance.ts'
import type { Providers } from '#server/domains/providers/registry.ts'
import { invariant, present } from '#server/kit/invariant.ts'
import type { App } from '#server/platform/app.ts'
import { int8Array } from '#server/platform/db/arrays.ts'
import { statement } from '#server/platform/db/database.ts'
import { type CostedOrder, todaysCosts } from '../dispatching/todays-costs.ts'
import { orderCan } from '../order.ts'
import type { OrderChange } from '../order-change.ts'
import { lockOrders, writeOrders } from '../write-orders.ts'
import { resent, staffName } from './resolve-order.ts'

/** One page of a desk. */
export const RESUBMIT_ORDERS_MAX = 200

export type ResubmitOutcome =
  | { ok: true }
  | {
      ok: false
      code:
        | 'order_not_found'
        | 'order_not_failed'
        | 'cost_above_price'
        | 'insufficient_provider_balance'
        | 'balance_unavailable'
      message: string
      /** Minor units of the provider's asset, of `scale` decimal digits, where it could be read. */
      balance?: bigint
      scale?: number
    }

/**
 * Queues failed orders again, each once however many press at once. The providers' balances are asked first and run down over the orders in their order; what they do not
 * cover stays failed. So does what would be sent at a loss as the catalogue stands now, unless `accept_loss`: then it may cost what it costs now, and no more. Outcome i
 * answers id i.
 */
export async function resubmitOrders(
  app: App,
  providers: Providers,
  order_ids: readonly bigint[],
  actor: Actor,
  { accept_loss = false }: { accept_loss?: boolean | undefined } = {},
): Promise<ResubmitOutcome[]> {
  invariant(order_ids.length <= RESUBMIT_ORDERS_MAX, 'resubmitOrders: batch too long')
  const balances = await balancesFor(app, providers, order_ids)
  const now = app.clock.now()
  return app.db.transaction(async (tx) => {
    const orders = await lockOrders(tx, order_ids)
    const costed = await todaysCosts(tx, [...orders.values()])
    const costs = new Map(costed.map((each) => [each.order.id, each]))
    const taken = new Set<bigint>()
    const changes: OrderChange[] = []
    const outcomes = order_ids.map((id): ResubmitOutcome => {
      const known = costs.get(id)
      if (!known) return { ok: false, code: 'order_not_found', message: `There is no order ${id}.` }
      const { order, loss } = known
      if (!orderCan.resubmit(order) || taken.has(id)) {
        const message = `Order ${id} is ${taken.has(id) ? 'queued' : order.state}, not failed.`
        return { ok: false, code: 'order_not_failed', message }
      }
      if (loss && !accept_loss) return { ok: false, code: 'cost_above_price', message: loss }
      const refused = spend(known, present(balances.get(order.provider_id), 'a balance for each provider'))
      if (refused) return refused
      taken.add(id)
      changes.push(again(known, staffName(actor), now))
      return { ok: true }
    })
    await writeOrders(app.db, tx, changes)
    recordActs(
      tx,
      changes.map((change) => resubmittedAct(change, actor)),
    )
    return outcomes
  })
}

function again({ order, expected_cost, loss }: CostedOrder, actor: string, now: Date): OrderChange {
  const change = resent(order, actor, now)
  if (loss === undefined) return change
  const data = { accepted_cost: String(expected_cost) }
  return {
    before: order,
    after: { ...change.after, accepted_cost: expected_cost },
    step: { kind: 'resubmitted', actor, data },
  }
}

function resubmittedAct({ before, after }: OrderChange, actor: Actor): Act {
  const { id, state, reason } = before
  return {
    action: 'orders.resubmitted',
    actor,
    subject: { kind: 'order', id },
    before: { state, reason },
    after: { state: 'queued', ...(after.accepted_cost != null && { accepted_cost: after.accepted_cost }) },
  }
}

const providersOf = statement(`
  select p.id as provider_id, a.scale::int as scale from providers.provider p join ledger.asset a on a.code = p.currency
  where p.id in (select provider_id from orders.orders where id = any($1::bigint[]))`)

interface Purse {
  answer: BalanceAnswer
  left: bigint
  scale: number
}

async function balancesFor(app: App, providers: Providers, order_ids: readonly bigint[]): Promise<Map<bigint, Purse>> {
  const rows = await app.db.query<{ provider_id: bigint; scale: number }>(providersOf, [int8Array(order_ids)])
  const purses = await Promise.all(
    rows.map(async ({ provider_id, scale }): Promise<[bigint, Purse]> => {
      const answer = await checkBalance(providers, provider_id, { fresh: true })
      return [provider_id, { answer, left: answer.status === 'ok' ? answer.balance : 0n, scale }]
    }),
  )
  return new Map(purses)
}

function spend({ expected_cost }: CostedOrder, purse: Purse): ResubmitOutcome | undefined {
  if (purse.answer.status === 'unavailable') {
    const message = `The provider's balance could not be read: ${purse.answer.message}`
    return { ok: false, code: 'balance_unavailable', message }
  }
  if (expected_cost > purse.left) {
    const message = "The provider's balance does not cover the order's cost."
    const { answer, scale } = purse
    return { ok: false, code: 'insufficient_provider_balance', message, balance: answer.balance, scale }
  }
  purse.left -= expected_cost
  return undefined
}
