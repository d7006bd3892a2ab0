import { Conditions } from '#server/platform/db/conditions.ts'
import { type Db, statement, type Tx } from '#server/platform/db/database.ts'
import type { PromoCode } from './promo-code.ts'

/** More are asked for page by page. */
export const PROMO_PAGE_MAX = 100

/** The columns of `PromoCode`, from PROMO_CODES. */
export const PROMO_CODE_COLUMNS = `code.id, code.code, code.kind, code.asset, code.amount, code.discount_id, discount.discount_bp, discount.below_margin,
  code.deposit_min, code.percent_bp, code.amount_max, code.days, code.holds_until, code.redemptions_max, code.redemptions,
  code.registered_from, code.registered_until, code.starts_at, code.ends_at, code.ended_at, code.created_at, code.created_by`

export const PROMO_CODES = `payments.promo_code code left join catalog.discount discount on discount.id = code.discount_id`

/** That a code can be redeemed at a moment or later; `now` is the place of the moment. */
export const mayBeRedeemed = (now: string) =>
  `code.ended_at is null and (code.ends_at is null or code.ends_at > ${now}) and (code.redemptions_max is null or code.redemptions < code.redemptions_max)`

/** A code, and what it has given so far, in minor units; null for discounts, of which nobody counts what they save. */
export interface PromoGiven extends PromoCode {
  given: bigint | null
}

// Each row of deposits that a code has given to is read: only of what is shown.
const GIVEN = `case code.kind when 'credit' then code.amount * code.redemptions
    when 'deposit' then (
      select coalesce(sum(b.amount), 0)::bigint
      from payments.promo_redemption r join payments.deposit_bonus b on b.redemption_id = r.id where r.code_id = code.id) end as given`

export interface PromoFilter {
  /** Whether it can be redeemed at `now` or later. */
  open?: boolean | undefined
  /** In capitals. */
  code?: string | undefined
  now: Date
}

/** Codes with what they have given, newest first, those below the id `before` where it is given. */
export async function listPromoCodes(
  db: Pick<Db, 'query'>,
  { open, code, now }: PromoFilter,
  { before, limit }: { before?: bigint | undefined; limit: number },
): Promise<{ codes: PromoGiven[]; has_more: boolean }> {
  const where = new Conditions()
  if (open !== undefined) where.add(`(${mayBeRedeemed(where.value(now))}) = ${where.value(open)}`)
  if (code !== undefined) where.add(`code.code = ${where.value(code)}`)
  if (before !== undefined) where.add(`code.id < ${where.value(before)}`)
  const page = Math.max(1, Math.min(limit, PROMO_PAGE_MAX))
  const codes = await db.query<PromoGiven>(
    `select ${PROMO_CODE_COLUMNS}, ${GIVEN} from ${PROMO_CODES} where ${where.sql} order by code.id desc limit ${page + 1}`,
    where.values,
  )
  return { codes: codes.slice(0, page), has_more: codes.length > page }
}

const codeGiven = statement(`select ${PROMO_CODE_COLUMNS}, ${GIVEN} from ${PROMO_CODES} where code.id = $1`)

/** One code with what it has given; undefined when there is none. */
export async function selectPromoCode(db: Pick<Db, 'query'>, id: bigint): Promise<PromoGiven | undefined> {
  return (await db.query<PromoGiven>(codeGiven, [id]))[0]
}

/** A redemption, with what its code promises and what came of it. What its kind does not have is null. */
export interface Redemption
  extends Pick<PromoCode, 'code' | 'kind' | 'asset' | 'discount_bp' | 'deposit_min' | 'percent_bp' | 'amount_max'> {
  id: bigint
  code_id: bigint
  customer_id: bigint
  redeemed_at: Date
  /** Until when it holds. */
  ends_at: Date | null
  /** What was credited at once. */
  amount: bigint | null
  /** The deposit to which it has given, and what. */
  deposit_id: bigint | null
  bonus: bigint | null
}

const REDEMPTIONS = `
  select r.id, r.code_id, r.customer_id, r.redeemed_at, r.ends_at, r.amount, code.code, code.kind, code.asset, discount.discount_bp,
    code.deposit_min, code.percent_bp, code.amount_max, b.deposit_id, b.amount as bonus
  from payments.promo_redemption r join payments.promo_code code on code.id = r.code_id
  left join catalog.discount discount on discount.id = code.discount_id
  left join payments.deposit_bonus b on b.redemption_id = r.id`

/** Redemptions, newest first, those below the id `before` where it is given. */
export async function listRedemptions(
  db: Pick<Db, 'query'>,
  { code_id, customer_id }: { code_id?: bigint | undefined; customer_id?: bigint | undefined },
  { before, limit }: { before?: bigint | undefined; limit: number },
): Promise<{ redemptions: Redemption[]; has_more: boolean }> {
  const where = new Conditions()
  if (code_id !== undefined) where.add(`r.code_id = ${where.value(code_id)}`)
  if (customer_id !== undefined) where.add(`r.customer_id = ${where.value(customer_id)}`)
  if (before !== undefined) where.add(`r.id < ${where.value(before)}`)
  const page = Math.max(1, Math.min(limit, PROMO_PAGE_MAX))
  const redemptions = await db.query<Redemption>(
    `${REDEMPTIONS} where ${where.sql} order by r.id desc limit ${page + 1}`,
    where.values,
  )
  return { redemptions: redemptions.slice(0, page), has_more: redemptions.length > page }
}

const redemptionById = statement(`${REDEMPTIONS} where r.id = $1`)

/** One redemption; undefined when there is none. */
export async function selectRedemption(db: Pick<Db | Tx, 'query'>, id: bigint): Promise<Redemption | undefined> {
  return (await db.query<Redemption>(redemptionById, [id]))[0]
}

const discountOf = statement(`
  select discount.discount_bp, held.ends_at
  from catalog.discount_customer held join catalog.discount discount on discount.id = held.discount_id
  where held.customer_id = $1 and held.ends_at > $2 order by discount.discount_bp desc, held.ends_at desc limit 1`)

/** The largest discount that the customer has at this moment; undefined when there is none. */
export async function selectDiscountOf(
  db: Pick<Db, 'query'>,
  customer_id: bigint,
  now: Date,
): Promise<{ discount_bp: bigint; ends_at: Date } | undefined> {
  return (await db.query<{ discount_bp: bigint; ends_at: Date }>(discountOf, [customer_id, now]))[0]
}

/** A promise of a bonus on the next deposit, which a customer has redeemed and not used. */
export interface DepositPromise {
  redemption_id: bigint
  deposit_min: bigint
  percent_bp: bigint
  amount_max: bigint | null
}

const unusedPromises = statement(`
  select r.id as redemption_id, code.deposit_min, code.percent_bp, code.amount_max
  from payments.promo_redemption r join payments.promo_code code on code.id = r.code_id
  where r.customer_id = $1 and code.kind = 'deposit' and code.asset = $2 and r.redeemed_at <= $3 and r.ends_at > $3
    and not exists (select from payments.deposit_bonus b where b.redemption_id = r.id)
  order by r.id`)

/**
 * What a customer had redeemed for deposits at the moment when one was asked for, and has not used, oldest first. Nothing is locked: who uses one that another transaction has used meanwhile meets
 * `deposit_bonus_redemption_once`, and runs again.
 */
export function selectDepositPromises(
  tx: Tx,
  { user_id, asset, asked_at }: { user_id: bigint; asset: string; asked_at: Date },
): Promise<DepositPromise[]> {
  return tx.query<DepositPromise>(unusedPromises, [user_id, asset, asked_at])
}
