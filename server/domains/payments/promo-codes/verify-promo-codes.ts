import { present } from '#server/kit/invariant.ts'
import type { App } from '#server/platform/app.ts'
import type { Db } from '#server/platform/db/database.ts'
import { readSnapshot } from '#server/platform/db/read-snapshot.ts'
import { emit } from '#server/platform/outbox/emit.ts'
import { promoCodesVerified } from '../events.ts'
import { PROMO_REASON, PROMO_SUBJECT } from './redeem-code.ts'

/** What is wrong with a promo code, one of its redemptions, or a movement or discount that stems from one. */
export interface PromoProblem {
  check: string
  /** Null where no code can be named. */
  code_id: bigint | null
  what: string
}

/** Proves promo codes against the ledger and the discounts of the catalogue, and the other way round, as they were at one moment. For each check the first wrong row, if there is one. Throws what the database throws. */
export async function verifyPromoCodes(db: Db): Promise<{ redemptions: bigint; problems: PromoProblem[] }> {
  return readSnapshot(db, 1, async ([snapshot]) => {
    const { query } = present(snapshot, 'a snapshot')
    const problems: PromoProblem[] = []
    // One after another: each reads whole tables.
    for (const [check, sql] of Object.entries(CHECKS)) {
      const [row] = await query<{ code_id: bigint | null; what: string }>(sql)
      if (row) problems.push({ check, ...row })
    }
    const [counted] = await query<{ redemptions: bigint }>(
      'select count(*) as redemptions from payments.promo_redemption',
    )
    return { redemptions: counted?.redemptions ?? 0n, problems }
  })
}

/** Proves the promo codes and tells what was found. */
export async function tellVerifiedPromoCodes(app: Pick<App, 'db'>): Promise<void> {
  const { problems } = await verifyPromoCodes(app.db)
  const [first] = problems
  await app.db.transaction(async (tx) =>
    emit(tx, promoCodesVerified, [
      first ? { problem: `promo code ${first.code_id ?? 'of no number'}: ${first.what}` } : {},
    ]),
  )
}

const CHECKS = {
  promo_count: `
    select code.id as code_id, format('%s redemptions were counted, and %s are there', code.redemptions, coalesce(r.n, 0)) as what
    from payments.promo_code code left join (select code_id, count(*) as n from payments.promo_redemption group by code_id) r on r.code_id = code.id
    where code.redemptions <> coalesce(r.n, 0)
    order by code.id limit 1`,

  promo_movement: `
    select r.code_id, case
        when (code.kind = 'credit') <> (r.movement is not null) then format('redemption %s of a code for %s has movement %s', r.id, code.kind, coalesce(r.movement::text, 'none'))
        when r.amount <> code.amount then format('redemption %s gave %s, and %s was promised', r.id, r.amount, code.amount)
        when t.id is null then format('movement %s of redemption %s is not there', r.movement, r.id)
        when t.amount <> r.amount then format('%s was moved for redemption %s, and %s was given', t.amount, r.id, r.amount)
        when wallet.id is null then format('movement %s of redemption %s does not go from the bonuses to the wallet of its customer', t.id, r.id)
        else format('movement %s of redemption %s is %s for %s %s', t.id, r.id, t.reason, t.subject_kind, t.subject_id)
      end as what
    from payments.promo_redemption r
    join payments.promo_code code on code.id = r.code_id
    left join ledger.transfer t on t.id = r.movement
    left join ledger.account ours on ours.id = t.debit and (ours.owner_kind, ours.purpose, ours.asset) = ('platform', 'bonuses', code.asset)
    left join ledger.account wallet on wallet.id = t.credit and ours.id is not null
      and (wallet.owner_kind, wallet.owner_id, wallet.purpose, wallet.asset) = ('customer', r.customer_id, 'wallet', code.asset)
    where (code.kind = 'credit') <> (r.movement is not null) or (code.kind = 'credit' and (r.amount <> code.amount or t.id is null or t.amount <> r.amount
      or wallet.id is null or (t.reason, t.subject_kind, t.subject_id) is distinct from ('${PROMO_REASON}', '${PROMO_SUBJECT}', r.id)))
    order by r.id limit 1`,

  movement_without_redemption: `
    select null::bigint as code_id, format('movement %s of %s is for a redemption that nobody made', t.id, t.amount) as what
    from ledger.transfer t left join payments.promo_redemption r on r.movement = t.id
    where (t.subject_kind = '${PROMO_SUBJECT}' or t.reason = '${PROMO_REASON}') and r.id is null
    order by t.id limit 1`,

  promo_discount: `
    select r.code_id, case
        when held.customer_id is null then format('redemption %s promised a discount that its customer was not granted', r.id)
        when held.ends_at <> r.ends_at then format('the discount of redemption %s ends at %s, and %s was promised', r.id, held.ends_at, r.ends_at)
        else format('the discount of redemption %s outlives all of its kind, which are over at %s', r.id, discount.over_at)
      end as what
    from payments.promo_redemption r
    join payments.promo_code code on code.id = r.code_id and code.kind = 'discount'
    join catalog.discount discount on discount.id = code.discount_id
    left join catalog.discount_customer held on (held.discount_id, held.customer_id) = (code.discount_id, r.customer_id)
    where held.customer_id is null or held.ends_at <> r.ends_at or held.ends_at > discount.over_at
    order by r.id limit 1`,

  discount_without_redemption: `
    select code.id as code_id, format('customer %s has discount %s, and has redeemed nothing for it', held.customer_id, held.discount_id) as what
    from catalog.discount_customer held
    left join payments.promo_code code on code.discount_id = held.discount_id
    left join payments.promo_redemption r on (r.code_id, r.customer_id) = (code.id, held.customer_id)
    where r.id is null
    order by held.discount_id, held.customer_id limit 1`,
} as const
