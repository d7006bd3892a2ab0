import { z } from 'zod'
import { AMOUNT_MAX, parseAmount } from '#server/kit/money.ts'
import { WALLET_SCALE } from './accounts.ts'

/** A setting's amount of the wallets' asset: a decimal as text, read as minor units at or above zero. */
export const walletAmount = z.string().transform((text, context) => {
  const amount = parseAmount(text, WALLET_SCALE)
  if (amount !== undefined && amount >= 0n && amount <= AMOUNT_MAX) return amount
  context.addIssue({ code: 'custom', message: 'must be an amount such as 100.00' })
  return z.NEVER
})
