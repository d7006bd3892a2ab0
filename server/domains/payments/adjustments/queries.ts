import type { App } from '#server/platform/app.ts'
import { Conditions } from '#server/platform/db/conditions.ts'
import { ADJUSTMENT_COLUMNS, type Adjustment, type AdjustmentState } from './adjustment.ts'

/** More are asked for page by page. */
export const ADJUSTMENTS_PAGE_MAX = 100

/** Adjustments, newest first, those below the id `before` where it is given. */
export async function listAdjustments(
  app: Pick<App, 'db'>,
  filter: { state?: AdjustmentState | undefined; user_id?: bigint | undefined },
  { before, limit }: { before?: bigint | undefined; limit: number },
): Promise<{ adjustments: Adjustment[]; has_more: boolean }> {
  const where = new Conditions()
  if (filter.state !== undefined) where.add(`state = ${where.value(filter.state)}`)
  if (filter.user_id !== undefined) where.add(`user_id = ${where.value(filter.user_id)}`)
  if (before !== undefined) where.add(`id < ${where.value(before)}`)
  const page = Math.max(1, Math.min(limit, ADJUSTMENTS_PAGE_MAX))
  const sql = `select ${ADJUSTMENT_COLUMNS} from payments.adjustment where ${where.sql} order by id desc limit ${page + 1}`
  const rows = await app.db.query<Adjustment>(sql, where.values)
  return { adjustments: rows.slice(0, page), has_more: rows.length > page }
}
