import type { Actor } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import { closeDiscount } from '#server/domains/catalog/discounts/change-discounts.ts'
import { forgetServices } from '#server/domains/catalog/sellable-services.ts'
import type { CatalogApp } from '#server/domains/catalog/service.ts'
import { statement } from '#server/platform/db/database.ts'
import { PromoCodeEndedError, PromoCodeNotFoundError } from './errors.ts'
import { type PromoCode, stateOf } from './promo-code.ts'

// Who redeems it at the same moment comes before or after.
const lockCode = statement(`
  select starts_at, ends_at, ended_at, redemptions, redemptions_max, discount_id from payments.promo_code where id = $1 for no key update`)
const setEnd = statement('update payments.promo_code set ended_at = $2 where id = $1')

type Locked = Pick<PromoCode, 'starts_at' | 'ends_at' | 'ended_at' | 'redemptions' | 'redemptions_max' | 'discount_id'>

/** Ends a code now: nobody redeems it any more, and who has keeps what it promised. Throws PromoCodeNotFoundError, PromoCodeEndedError. */
export async function endPromoCode(
  app: CatalogApp,
  { id, by, reason }: { id: bigint; by: Actor; reason: string },
): Promise<void> {
  const discount_id = await app.db.transaction(async (tx) => {
    const [code] = await tx.query<Locked>(lockCode, [id])
    if (!code) throw new PromoCodeNotFoundError()
    const now = app.clock.now()
    if (stateOf(code, now) === 'ended') throw new PromoCodeEndedError()
    tx.send(setEnd, [id, now])
    if (code.discount_id !== null) await closeDiscount(tx, { discount_id: code.discount_id, now })
    const subject = { kind: 'promo_code', id }
    const before = { ends_at: code.ends_at, redemptions: code.redemptions }
    recordActs(tx, [{ action: 'promo_codes.ended', actor: by, subject, before, after: { ended_at: now }, reason }])
    return code.discount_id
  })
  if (discount_id !== null) await forgetServices(app)
}
