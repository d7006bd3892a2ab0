import { type Db, statement } from '#server/platform/db/database.ts'
import { ALERT_COLUMNS, type Alert } from './alert.ts'

/** A page of alerts. */
export const ALERTS_PAGE_MAX = 100

const LIST = statement(`
  select ${ALERT_COLUMNS} from notifications.alert a
  where (not $1::boolean or a.cleared_at is null) and a.id < $2 order by a.id desc limit $3`)

/** Alerts, newest first, below the id `before`: those that stand, or all. One more than asked for when there are more. */
export function listAlerts(
  db: Pick<Db, 'query'>,
  { open_only, before, limit }: { open_only: boolean; before: bigint; limit: number },
): Promise<Alert[]> {
  return db.query<Alert>(LIST, [open_only, before, Math.min(limit, ALERTS_PAGE_MAX) + 1])
}
