import { recordActs } from '#server/domains/audit/record-acts.ts'
import { saleAmount } from '#server/domains/catalog/sale-amount.ts'
import { ForbiddenError } from '#server/domains/identity/errors.ts'
import { type Editor, lockEditor } from '#server/domains/identity/rights/editor.ts'
import { OwnAccountError } from '#server/domains/identity/rights/errors.ts'
import { present } from '#server/kit/invariant.ts'
import type { App } from '#server/platform/app.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { staffName } from '../desk/resolve-order.ts'
import { OrderNotFoundError } from '../problems.ts'
import { lockOrders } from '../write-orders.ts'
import { RefundAmountError, RefundTooLargeError } from './errors.ts'
import { postRefund, refundableOf } from './post-refund.ts'
import { REFUND_COLUMNS, type Refund } from './refund.ts'
import { refundDecideWithinHours, refundSecondPersonAbove } from './settings.ts'

export interface AskRefund {
  order_id: bigint
  /** Minor units. */
  amount: bigint
  /** The customer is told it. */
  reason: string
}

const HOUR_MS = 60 * 60_000
/** Within which what one person does alone is added up: otherwise many small ones would be a large one. */
const ALONE_MS = 24 * HOUR_MS

const ALONE = statement(`
  select coalesce(sum(amount), 0)::bigint as amount from orders.refund
  where asked_by = $1 and asked_at > $2 and state = 'posted' and decided_by is null`)

const DRAW = statement(`select nextval(pg_get_serial_sequence('orders.refund', 'id')) as id`)

const INSERT = statement(`
  insert into orders.refund (id, order_id, customer_id, asset, amount, reason, state, asked_by, asked_at, expires_at, order_version)
  overriding system value values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
  returning ${REFUND_COLUMNS}`)

/**
 * Gives back a part of what a customer paid for an order that has ended: at once where `editor` may do it alone, else it waits for a second person. Throws OrderNotFoundError,
 * OrderNotEndedError, RefundTooLargeError, RefundAmountError, ForbiddenError, OwnAccountError.
 */
export async function askRefund(
  app: Pick<App, 'db' | 'clock' | 'settings'>,
  editor: Editor,
  { order_id, amount, reason }: AskRefund,
): Promise<Refund> {
  if (amount <= 0n) throw new RefundAmountError()
  const asked_by = present(editor.principal, 'refunds are given by people').user_id
  return app.db.transaction(async (tx) => {
    // The editor's row is locked: of two at once the second sees what the first has added to the sum.
    const rights = await lockEditor(tx, editor)
    if (rights && !rights.may('orders:refund')) throw new ForbiddenError('orders:refund')
    const order = (await lockOrders(tx, [order_id])).get(order_id)
    if (!order) throw new OrderNotFoundError()
    const { customer_id, asset } = order
    if (customer_id === asked_by) throw new OwnAccountError()
    const left = refundableOf(order)
    if (amount > left) throw new RefundTooLargeError(saleAmount(left))
    const now = app.clock.now()
    const alone = await mayAlone(tx, app, asked_by, amount, now)
    const id = present((await tx.query<{ id: bigint }>(DRAW))[0], 'a sequence answers').id
    const version = alone ? await postRefund(app, tx, order, { id, amount, reason }, staffName(editor.actor)) : null
    const expires_at = alone ? null : new Date(now.getTime() + app.settings.read(refundDecideWithinHours) * HOUR_MS)
    const state = alone ? 'posted' : 'asked'
    const values = [id, order_id, customer_id, asset, amount, reason, state, asked_by, now, expires_at, version]
    const [row] = await tx.query<Refund>(INSERT, values)
    const action = alone ? 'orders.refunded' : 'orders.refund_asked'
    const after = { refund_id: id, asset, amount, state }
    recordActs(tx, [{ action, actor: editor.actor, subject: { kind: 'order', id: order_id }, after, reason }])
    return present(row, 'insert answers its row')
  })
}

async function mayAlone(
  tx: Tx,
  app: Pick<App, 'settings'>,
  asked_by: bigint,
  amount: bigint,
  now: Date,
): Promise<boolean> {
  const [sum] = await tx.query<{ amount: bigint }>(ALONE, [asked_by, new Date(now.getTime() - ALONE_MS)])
  return (sum?.amount ?? 0n) + amount <= app.settings.read(refundSecondPersonAbove)
}
