import { recordActs } from '#server/domains/audit/record-acts.ts'
import { ForbiddenError } from '#server/domains/identity/errors.ts'
import { type Editor, lockEditor } from '#server/domains/identity/rights/editor.ts'
import { OwnAccountError } from '#server/domains/identity/rights/errors.ts'
import { present } from '#server/kit/invariant.ts'
import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import { ADJUSTMENT_COLUMNS, type Adjustment } from './adjustment.ts'
import { AdjustmentNotFoundError, AdjustmentSettledError, SamePersonError } from './errors.ts'
import { postAdjustment } from './post-adjustment.ts'

export interface DecideAdjustment {
  id: bigint
  verdict: 'approve' | 'refuse'
  reason?: string | undefined
}

// Two who decide at once take turns here; the second finds it settled.
const LOCK = statement(`select ${ADJUSTMENT_COLUMNS} from payments.adjustment where id = $1 for no key update`)

const DECIDE = statement(`
  update payments.adjustment set state = $2, decided_by = $3, decided_at = $4, decision_reason = $5, movement = $6 where id = $1
  returning ${ADJUSTMENT_COLUMNS}`)

/**
 * Approves an adjustment that waits, which moves the money in the same transaction, or refuses it. The same verdict by the same person again answers as before. Throws AdjustmentNotFoundError,
 * AdjustmentSettledError, ForbiddenError, SamePersonError for an approval by who asked, OwnAccountError for one's own balance, and NotEnoughFundsError, after which it still waits.
 */
export async function decideAdjustment(
  app: Pick<App, 'db' | 'clock'>,
  editor: Editor,
  { id, verdict, reason }: DecideAdjustment,
): Promise<Adjustment> {
  const decided_by = editor.principal?.user_id ?? null
  return app.db.transaction(async (tx) => {
    const rights = await lockEditor(tx, editor)
    if (rights && !rights.may('balances:approve')) throw new ForbiddenError('balances:approve')
    const [found] = await tx.query<Adjustment>(LOCK, [id])
    if (!found) throw new AdjustmentNotFoundError()
    const state = verdict === 'approve' ? 'posted' : 'refused'
    if (found.state === state && found.decided_at !== null && found.decided_by === decided_by) return found
    const now = app.clock.now()
    if (found.state !== 'asked') throw new AdjustmentSettledError(found.state)
    // The chore that calls it expired may be late.
    if (found.expires_at !== null && found.expires_at <= now) throw new AdjustmentSettledError('expired')
    if (decided_by === found.user_id) throw new OwnAccountError()
    if (decided_by !== null && decided_by === found.asked_by) throw new SamePersonError()
    const movement = verdict === 'approve' ? await postAdjustment(tx, found) : null
    const [row] = await tx.query<Adjustment>(DECIDE, [id, state, decided_by, now, reason ?? null, movement])
    recordActs(tx, [
      {
        action: verdict === 'approve' ? 'balances.adjustment_approved' : 'balances.adjustment_refused',
        actor: editor.actor,
        subject: { kind: 'user', id: found.user_id },
        before: { adjustment_id: id, state: 'asked' },
        after: { adjustment_id: id, state, asset: found.asset, amount: found.amount },
        ...(reason !== undefined && { reason }),
      },
    ])
    return present(row, 'update answers its row')
  })
}
