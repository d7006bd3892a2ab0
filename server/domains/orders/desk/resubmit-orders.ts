import type { Act, Actor } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import { type BalanceAnswer, checkBalance } from '#server/domains/providers/check-balance.ts'
import type { Providers } from '#server/domains/providers/registry.ts'
import { invariant, present } from '#server/kit/invariant.ts'
import type { App } from '#server/platform/app.ts'
import { int8Array } from '#server/platform/db/arrays.ts'
import { statement } from '#server/platform/db/database.ts'
import { type Order, orderCan } from '../order.ts'
import { lockOrders, type OrderChange, writeOrders } from '../write-orders.ts'
import { resent, staffName } from './resolve-order.ts'

/** One page of a desk. */
export const RESUBMIT_ORDERS_MAX = 200

export type ResubmitOutcome =
  | { ok: true }
  | {
      ok: false
      code: 'order_not_found' | 'order_not_failed' | 'insufficient_provider_balance' | 'balance_unavailable'
      message: string
      /** Minor units of the provider's asset, of `scale` decimal digits, where it could be read. */
      balance?: bigint
      scale?: number
    }

/**
 * Queues failed orders again, each once however many press at once. The providers' balances are asked first and run down over the orders in their order; what they do not
 * cover stays failed. Outcome i answers id i.
 */
export async function resubmitOrders(
  app: App,
  providers: Providers,
  order_ids: readonly bigint[],
  actor: Actor,
): Promise<ResubmitOutcome[]> {
  invariant(order_ids.length <= RESUBMIT_ORDERS_MAX, 'resubmitOrders: batch too long')
  const balances = await balancesFor(app, providers, order_ids)
  const now = app.clock.now()
  return app.db.transaction(async (tx) => {
    const orders = await lockOrders(tx, order_ids)
    const taken = new Set<bigint>()
    const changes: OrderChange[] = []
    const outcomes = order_ids.map((id): ResubmitOutcome => {
      const order = orders.get(id)
      if (!order) return { ok: false, code: 'order_not_found', message: `There is no order ${id}.` }
      if (!orderCan.resubmit(order) || taken.has(id)) {
        const message = `Order ${id} is ${taken.has(id) ? 'queued' : order.state}, not failed.`
        return { ok: false, code: 'order_not_failed', message }
      }
      const refused = spend(order, present(balances.get(order.provider_id), 'a balance for each provider'))
      if (refused) return refused
      taken.add(id)
      changes.push(resent(order, staffName(actor), now))
      return { ok: true }
    })
    await writeOrders(app.db, tx, changes)
    recordActs(
      tx,
      changes.map((change) => resubmittedAct(change.before, actor)),
    )
    return outcomes
  })
}

function resubmittedAct({ id, state, reason }: Order, actor: Actor): Act {
  return {
    action: 'orders.resubmitted',
    actor,
    subject: { kind: 'order', id },
    before: { state, reason },
    after: { state: 'queued' },
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

function spend(order: Order, purse: Purse): ResubmitOutcome | undefined {
  if (purse.answer.status === 'unavailable') {
    const message = `The provider's balance could not be read: ${purse.answer.message}`
    return { ok: false, code: 'balance_unavailable', message }
  }
  if (order.expected_cost > purse.left) {
    const message = "The provider's balance does not cover the order's cost."
    const { answer, scale } = purse
    return { ok: false, code: 'insufficient_provider_balance', message, balance: answer.balance, scale }
  }
  purse.left -= order.expected_cost
  return undefined
}
