import { saleAmount } from '#server/domains/catalog/sale-amount.ts'
import { SALE_ASSET } from '#server/domains/catalog/service.ts'
import { readBalance } from '../read-balance.ts'
import type { PanelCall, PanelDeps } from './call.ts'

/** `balance`: what can be spent now. Money held for orders under way is not in it, for the form knows one figure only. */
export async function answerBalance({ app }: PanelDeps, { principal }: PanelCall): Promise<string> {
  const balance = await readBalance(app.db, principal.user_id)
  return JSON.stringify({ balance: saleAmount(balance.available), currency: SALE_ASSET })
}
