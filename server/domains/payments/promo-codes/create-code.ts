import type { Actor } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import { createDiscount } from '#server/domains/catalog/discounts/change-discounts.ts'
import { forgetServices } from '#server/domains/catalog/sellable-services.ts'
import type { CatalogApp } from '#server/domains/catalog/service.ts'
import { present } from '#server/kit/invariant.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { WALLET_ASSET } from '../accounts.ts'
import { PromoBudgetError, PromoCodeTakenError, TooManyPromoCodesError } from './errors.ts'
import { lastsUntil, type PromoLimits, type PromoPromise } from './promo-code.ts'
import { mayBeRedeemed } from './queries.ts'
import { promoBudgetMax } from './settings.ts'

/** More than any house looks after at the same time. */
export const CODES_OPEN_MAX = 500

/** A code as someone wants it. Without a beginning it can be redeemed from now on. */
export interface NewPromoCode extends Omit<PromoLimits, 'starts_at'> {
  /** As `readCode` makes it. */
  code: string
  promise: PromoPromise
  starts_at: Date | undefined
  by: Actor
  reason: string
}

// One at a time: codes are counted, and each is named once.
const lockCodes = statement('lock table payments.promo_code in share row exclusive mode')
const standing = statement(`
  select (select count(*)::int from payments.promo_code code where ${mayBeRedeemed('$2')}) as open,
    exists (select from payments.promo_code where code = $1) as taken`)
const insertCode = statement(`
  insert into payments.promo_code (code, kind, asset, amount, discount_id, deposit_min, percent_bp, amount_max, days, holds_until,
    redemptions_max, registered_from, registered_until, starts_at, ends_at, created_at, created_by)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) returning id`)

/**
 * Makes a promo code, which from then on stays as it is until it is ended. Answers its number. Throws PromoCodeTakenError, TooManyPromoCodesError, TooManyDiscountsError, and PromoBudgetError where
 * it would give more money at once than one code may.
 */
export async function createPromoCode(app: CatalogApp, wanted: NewPromoCode): Promise<bigint> {
  const { code, promise, by, reason, ...limits } = wanted
  refuseTooMuch(app, wanted)
  const id = await app.db.transaction(async (tx) => {
    await tx.query(lockCodes)
    const now = app.clock.now()
    const starts_at = limits.starts_at && limits.starts_at > now ? limits.starts_at : now
    const [found] = await tx.query<{ open: number; taken: boolean }>(standing, [code, now])
    const { open, taken } = present(found, 'a count is always answered')
    if (taken) throw new PromoCodeTakenError()
    if (open >= CODES_OPEN_MAX) throw new TooManyPromoCodesError(CODES_OPEN_MAX)
    const { redemptions_max, registered_from, registered_until, ends_at } = limits
    const values = [
      ...[code, promise.kind, WALLET_ASSET, ...(await promiseValues(tx, promise, ends_at, now))],
      ...[redemptions_max, registered_from, registered_until, starts_at, ends_at, now, by.user_id ?? null],
    ]
    const { id } = present((await tx.query<{ id: bigint }>(insertCode, values))[0], 'an inserted code has a number')
    const after = { code, ...promise, redemptions_max, registered_from, registered_until, starts_at, ends_at }
    const subject = { kind: 'promo_code', id }
    recordActs(tx, [{ action: 'promo_codes.created', actor: by, subject, after, reason }])
    return id
  })
  if (promise.kind === 'discount') await forgetServices(app)
  return id
}

function refuseTooMuch({ settings }: CatalogApp, { promise, redemptions_max }: NewPromoCode): void {
  if (promise.kind !== 'credit') return
  const max = settings.read(promoBudgetMax)
  const most = promise.amount * BigInt(present(redemptions_max, 'money at once is given so many times'))
  if (most > max) throw new PromoBudgetError(max)
}

/** Amount, discount, deposit_min, percent, amount_max, days, holds_until. */
async function promiseValues(tx: Tx, promise: PromoPromise, ends_at: Date | null, now: Date): Promise<unknown[]> {
  if (promise.kind === 'credit') return [promise.amount, null, null, null, null, null, null]
  const { days, holds_until } = promise
  if (promise.kind === 'deposit') {
    return [null, null, promise.deposit_min, promise.percent_bp, promise.amount_max, days, holds_until]
  }
  const { discount_bp, below_margin } = promise
  // Of who redeems it last.
  const over_at = ends_at === null ? holds_until : lastsUntil(promise, ends_at)
  return [
    null,
    await createDiscount(tx, { discount_bp, below_margin, over_at, now }),
    null,
    null,
    null,
    days,
    holds_until,
  ]
}
