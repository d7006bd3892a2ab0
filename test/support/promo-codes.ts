import { expect } from 'vitest'
import { SYSTEM } from '#server/domains/audit/act.ts'
import { ensureAccounts } from '#server/domains/ledger/ensure-accounts.ts'
import { balancesOf } from '#server/domains/ledger/queries.ts'
import { bonuses, walletOf } from '#server/domains/payments/accounts.ts'
import { askDeposit } from '#server/domains/payments/deposits/ask-deposit.ts'
import { decideDeposit } from '#server/domains/payments/deposits/decide-deposit.ts'
import { verifyDeposits } from '#server/domains/payments/deposits/verify-deposits.ts'
import { createPromoCode, type NewPromoCode } from '#server/domains/payments/promo-codes/create-code.ts'
import { endPromoCode } from '#server/domains/payments/promo-codes/end-code.ts'
import type { PromoPromise } from '#server/domains/payments/promo-codes/promo-code.ts'
import { redeemPromoCode } from '#server/domains/payments/promo-codes/redeem-code.ts'
import { verifyPromoCodes } from '#server/domains/payments/promo-codes/verify-promo-codes.ts'
import { anEditor, editorFor } from './editors.ts'
import { aUser, identityApp } from './identity.ts'

export const USD = 1_000_000n
export const DAY_MS = 24 * 60 * 60_000

/** Five dollars at once. */
export const CREDIT: PromoPromise = { kind: 'credit', amount: 5n * USD }
/** A tenth off for thirty days. */
export const DISCOUNT: Extract<PromoPromise, { kind: 'discount' }> = {
  ...{ kind: 'discount', discount_bp: 1_000n, below_margin: false },
  ...{ days: 30, holds_until: null },
}
/** A tenth on top of the next deposit from 50.00 on, 20.00 at the most. */
export const DEPOSIT: Extract<PromoPromise, { kind: 'deposit' }> = {
  ...{ kind: 'deposit', deposit_min: 50n * USD, percent_bp: 1_000n, amount_max: 20n * USD },
  ...{ days: 30, holds_until: null },
}

/** A house that makes promo codes, and ways to make customers who redeem them. */
export async function openPromoHouse() {
  const app = await identityApp()
  let codes = 0
  const make = async (promise: PromoPromise, changes: Partial<NewPromoCode> = {}) => {
    codes += 1
    const code = changes.code ?? `CODE-${codes}`
    const limits = { registered_from: null, registered_until: null, starts_at: undefined, ends_at: null }
    const redemptions_max = promise.kind === 'credit' ? 100 : null
    const id = await createPromoCode(app, {
      ...{ promise, redemptions_max, ...limits, by: SYSTEM, reason: 'A test.' },
      ...changes,
      code,
    })
    return { id, code }
  }
  const customer = async () => {
    const { id: user_id } = await aUser(app)
    const editor = await editorFor(app, user_id)
    let payments = 0
    const redeem = (code: string) => redeemPromoCode(app, editor, { user_id, code })
    const ask = (usd: bigint) => {
      payments += 1
      const reference = `TRX-${user_id}-${payments}`
      return askDeposit(app, editor, { user_id, amount: usd * USD, method: 'bank_transfer', reference })
    }
    return { user_id, redeem, ask }
  }
  const desk = await anEditor(app, ['deposits:decide'])
  const approve = (id: bigint) => decideDeposit(app, desk, { id, verdict: 'approve' })
  const end = (id: bigint) => endPromoCode(app, { id, by: SYSTEM, reason: 'Over.' })
  const wallet = async (user_id: bigint) =>
    ((await app.db.transaction((tx) => ensureAccounts(tx, [walletOf(user_id)]))) as [bigint])[0]
  /** What the customer has, and what the house has given, in micro-USD. */
  const money = async (user_id: bigint) => {
    const [given] = (await app.db.transaction((tx) => ensureAccounts(tx, [bonuses()]))) as [bigint]
    const own = await wallet(user_id)
    const found = await balancesOf(app.db, [own, given])
    return [found.get(own)?.posted, found.get(given)?.posted]
  }
  const sound = async () => {
    expect((await verifyPromoCodes(app.db)).problems).toEqual([])
    expect((await verifyDeposits(app.db)).problems).toEqual([])
  }
  const later = (ms: number) => {
    app.clock.ahead_ms += ms
  }
  return { app, make, customer, approve, end, wallet, money, sound, later }
}

/** What became of it: `done`, or the code of what was said. */
export const said = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: { code?: string }) => error.code ?? String(error),
  )
