import { saleAmount } from '#server/domains/catalog/sale-amount.ts'
import { SALE_ASSET } from '#server/domains/catalog/service.ts'
import type { PanelCall, PanelDeps } from './call.ts'

/** `balance`: what can be spent now. Money held for orders under way is not in it, for the form knows one figure only. */
export async function answerBalance({ reads }: PanelDeps, { principal }: PanelCall): Promise<string> {
  const balance = await reads.balance(principal.user_id)
  return JSON.stringify({ balance: saleAmount(balance.available), currency: SALE_ASSET })
}
