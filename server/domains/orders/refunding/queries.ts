import { Conditions } from '#server/platform/db/conditions.ts'
import { type Db, statement } from '#server/platform/db/database.ts'
import { REFUND_COLUMNS, type Refund, type RefundState } from './refund.ts'

/** One page of refunds. */
export const REFUNDS_PAGE_MAX = 100

const ofOrder = statement(`select ${REFUND_COLUMNS} from orders.refund where order_id = $1 order by id`)

/** Every refund of the order, oldest first. */
export function refundsOf(db: Db, order_id: bigint): Promise<Refund[]> {
  return db.query<Refund>(ofOrder, [order_id])
}

/** Refunds, newest first, those below the id `before` where it is given. */
export async function listRefunds(
  db: Db,
  { state, order_id }: { state?: RefundState | undefined; order_id?: bigint | undefined },
  { before, limit }: { before?: bigint | undefined; limit: number },
): Promise<{ refunds: Refund[]; has_more: boolean }> {
  const where = new Conditions()
  if (state !== undefined) where.add(`state = ${where.value(state)}`)
  if (order_id !== undefined) where.add(`order_id = ${where.value(order_id)}`)
  if (before !== undefined) where.add(`id < ${where.value(before)}`)
  const page = Math.max(1, Math.min(limit, REFUNDS_PAGE_MAX))
  const sql = `select ${REFUND_COLUMNS} from orders.refund where ${where.sql} order by id desc limit ${page + 1}`
  const rows = await db.query<Refund>(sql, where.values)
  return { refunds: rows.slice(0, page), has_more: rows.length > page }
}
