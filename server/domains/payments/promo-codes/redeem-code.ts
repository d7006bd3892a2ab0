import { recordActs } from '#server/domains/audit/record-acts.ts'
import { grantDiscount } from '#server/domains/catalog/discounts/change-discounts.ts'
import { type Editor, lockEditor } from '#server/domains/identity/rights/editor.ts'
import { ensureAccounts } from '#server/domains/ledger/ensure-accounts.ts'
import { postEntries } from '#server/domains/ledger/post-entries.ts'
import { invariant, present } from '#server/kit/invariant.ts'
import type { App } from '#server/platform/app.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { bonuses, walletOf } from '../accounts.ts'
import { BalanceFullError, PromoCodeRedeemedError, PromoCodeRefusedError } from './errors.ts'
import { lastsUntil, mayRedeem, type PromoCode, readCode } from './promo-code.ts'
import { PROMO_CODE_COLUMNS, PROMO_CODES, type Redemption, selectRedemption } from './queries.ts'

/** Why money moves for a code; `saldo verify` holds each such movement against its redemption. */
export const PROMO_REASON = 'promo_code'

/** What the movement is about: the redemption's number. */
export const PROMO_SUBJECT = 'promo_redemption'

// Of two who want the last one the second finds it used up; who ends it comes before or after.
const lockCode = statement(
  `select ${PROMO_CODE_COLUMNS} from ${PROMO_CODES} where code.code = $1 for no key update of code`,
)
const readCustomer = statement(`
  select person.created_at as registered_at,
    (select redeemed_at from payments.promo_redemption where customer_id = person.id and code_id = $2) as redeemed_at
  from identity.user person where person.id = $1`)
const count = statement(`
  update payments.promo_code set redemptions = redemptions + 1 where id = $1 returning nextval('payments.promo_redemption_number') as id`)
const insertRedemption = statement(`
  insert into payments.promo_redemption (id, code_id, customer_id, redeemed_at, ends_at, amount, movement) values ($1, $2, $3, $4, $5, $6, $7)`)

/**
 * Redeems a code for a customer, who is `editor`: money at once, or from now on the discount or the promise for the next deposit, in the transaction that counts it. After the commit of a discount
 * the caller calls `forgetPricesOf`. Throws PromoCodeRedeemedError for who has it, PromoCodeRefusedError for all else, BalanceFullError.
 */
export async function redeemPromoCode(
  app: Pick<App, 'db' | 'clock'>,
  editor: Editor,
  { user_id, code: typed }: { user_id: bigint; code: string },
): Promise<Redemption> {
  const text = readCode(typed)
  if (text === undefined) throw new PromoCodeRefusedError()
  return app.db.transaction(async (tx) => {
    // The customer's row is locked: of the same one twice at once the second sees what the first has redeemed.
    await lockEditor(tx, editor)
    const [code] = await tx.query<PromoCode>(lockCode, [text])
    if (!code) throw new PromoCodeRefusedError()
    const [found] = await tx.query<{ registered_at: Date; redeemed_at: Date | null }>(readCustomer, [user_id, code.id])
    const { registered_at, redeemed_at } = present(found, 'who is locked is there')
    if (redeemed_at !== null) throw new PromoCodeRedeemedError(redeemed_at)
    const now = app.clock.now()
    if (!mayRedeem(code, { id: user_id, registered_at }, now)) throw new PromoCodeRefusedError()
    const id = present((await tx.query<{ id: bigint }>(count, [code.id]))[0], 'a locked code is counted').id
    const ends_at = lastsUntil(code, now)
    const movement = code.kind === 'credit' ? await credit(tx, id, user_id, code) : null
    await tx.query(insertRedemption, [id, code.id, user_id, now, ends_at, code.amount, movement])
    if (code.discount_id !== null) {
      const until = present(ends_at, 'a discount ends')
      await grantDiscount(tx, { discount_id: code.discount_id, customer_id: user_id, now, ends_at: until })
    }
    const subject = { kind: 'user', id: user_id }
    const after = { redemption_id: id, code_id: code.id, code: code.code, amount: code.amount, ends_at }
    recordActs(tx, [{ action: 'promo_codes.redeemed', actor: editor.actor, subject, after }])
    return present(await selectRedemption(tx, id), 'an inserted redemption is there')
  })
}

/** Puts the code's amount onto the customer's wallet, under one key for ever. Answers the movement. */
async function credit(tx: Tx, id: bigint, user_id: bigint, code: PromoCode): Promise<bigint> {
  const [wallet, given] = (await ensureAccounts(tx, [walletOf(user_id), bonuses()])) as [bigint, bigint]
  const movement = {
    kind: 'transfer',
    debit: given,
    credit: wallet,
    amount: present(code.amount, 'a code for money has an amount'),
    reason: PROMO_REASON,
    subject: { kind: PROMO_SUBJECT, id },
  } as const
  const [posted] = await postEntries(tx, [{ key: `promo:${id}`, movements: [movement] }])
  const outcome = present(posted, 'an entry has an outcome')
  if (outcome.ok) return outcome.id
  invariant(outcome.refusal === 'amount_out_of_range', `a promo code was refused: ${outcome.refusal}`)
  throw new BalanceFullError()
}
