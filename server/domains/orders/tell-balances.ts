import { saleAmount } from '#server/domains/catalog/sale-amount.ts'
import { SALE_ASSET } from '#server/domains/catalog/service.ts'
import type { Tx } from '#server/platform/db/database.ts'
import { emit } from '#server/platform/outbox/emit.ts'
import { type BalanceTold, balancesMoved } from './events.ts'
import { readBalances } from './read-balances.ts'

/** Of one event: below what the outbox takes, whatever the length of the numbers. */
const WALLETS_MAX = 200

/**
 * Emits how the wallets of these customers stand, each once. Meant for the publisher's transaction: the ordering path pays nothing for it, and many orders of a
 * customer that were published together tell one balance.
 */
export async function tellBalances(tx: Tx, customer_ids: Iterable<bigint>): Promise<void> {
  const customers = [...new Set(customer_ids)]
  if (customers.length === 0) return
  const wallets = (await readBalances(tx, customers)).map(
    ({ customer_id, posted, held, available, version }): BalanceTold => ({
      customer_id,
      balance: saleAmount(posted),
      held: saleAmount(held),
      available: saleAmount(available),
      currency: SALE_ASSET,
      version,
    }),
  )
  const payloads = []
  for (let at = 0; at < wallets.length; at += WALLETS_MAX)
    payloads.push({ wallets: wallets.slice(at, at + WALLETS_MAX) })
  emit(tx, balancesMoved, payloads)
}
