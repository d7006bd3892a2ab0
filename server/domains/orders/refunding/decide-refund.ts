import { recordActs } from '#server/domains/audit/record-acts.ts'
import { ForbiddenError } from '#server/domains/identity/errors.ts'
import { type Editor, lockEditor } from '#server/domains/identity/rights/editor.ts'
import { OwnAccountError } from '#server/domains/identity/rights/errors.ts'
import { present } from '#server/kit/invariant.ts'
import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import { staffName } from '../desk/resolve-order.ts'
import { lockOrders } from '../write-orders.ts'
import { RefundNotFoundError, RefundSettledError, SameRefunderError } from './errors.ts'
import { postRefund } from './post-refund.ts'
import { REFUND_COLUMNS, type Refund } from './refund.ts'

export interface DecideRefund {
  id: bigint
  verdict: 'approve' | 'refuse'
  reason?: string | undefined
}

const FIND = statement(`select order_id from orders.refund where id = $1`)

// Two who decide at once take turns here; the second finds it settled.
const LOCK = statement(`select ${REFUND_COLUMNS} from orders.refund where id = $1 for no key update`)

const DECIDE = statement(`
  update orders.refund set state = $2, decided_by = $3, decided_at = $4, decision_reason = $5, order_version = $6 where id = $1
  returning ${REFUND_COLUMNS}`)

/**
 * Approves a refund that waits, which moves the money in the same transaction, or refuses it. The same verdict by the same person again answers as before. Throws RefundNotFoundError,
 * RefundSettledError, ForbiddenError, SameRefunderError, OwnAccountError, and RefundTooLargeError where more has gone back meanwhile, after which it still waits.
 */
export async function decideRefund(
  app: Pick<App, 'db' | 'clock'>,
  editor: Editor,
  { id, verdict, reason }: DecideRefund,
): Promise<Refund> {
  const decided_by = present(editor.principal, 'refunds are decided by people').user_id
  return app.db.transaction(async (tx) => {
    const rights = await lockEditor(tx, editor)
    if (rights && !rights.may('orders:approve-refund')) throw new ForbiddenError('orders:approve-refund')
    const [named] = await tx.query<{ order_id: bigint }>(FIND, [id])
    if (!named) throw new RefundNotFoundError()
    // Orders first, as everywhere.
    const order = present((await lockOrders(tx, [named.order_id])).get(named.order_id), 'a refund has its order')
    const found = present((await tx.query<Refund>(LOCK, [id]))[0], 'refunds are not deleted')
    const state = verdict === 'approve' ? 'posted' : 'refused'
    if (found.state === state && found.decided_by === decided_by) return found
    const now = app.clock.now()
    if (found.state !== 'asked') throw new RefundSettledError(found.state)
    // The chore that calls it expired may be late.
    if (found.expires_at !== null && found.expires_at <= now) throw new RefundSettledError('expired')
    if (decided_by === found.customer_id) throw new OwnAccountError()
    if (decided_by === found.asked_by) throw new SameRefunderError()
    const version = verdict === 'approve' ? await postRefund(app, tx, order, found, staffName(editor.actor)) : null
    const [row] = await tx.query<Refund>(DECIDE, [id, state, decided_by, now, reason ?? null, version])
    recordActs(tx, [
      {
        action: verdict === 'approve' ? 'orders.refund_approved' : 'orders.refund_refused',
        actor: editor.actor,
        subject: { kind: 'order', id: found.order_id },
        before: { refund_id: id, state: 'asked' },
        after: { refund_id: id, state, asset: found.asset, amount: found.amount },
        ...(reason !== undefined && { reason }),
      },
    ])
    return present(row, 'update answers its row')
  })
}
