import type { Actor } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { AlertNotFoundError } from '../messages/errors.ts'
import { ALERT_COLUMNS, type Alert } from './alert.ts'

const LOCK = statement(`select ${ALERT_COLUMNS} from notifications.alert a where a.id = $1 for update`)

const ACKNOWLEDGE = statement(`
  update notifications.alert a set acknowledged_at = coalesce(acknowledged_at, $2), acknowledged_by = coalesce(acknowledged_by, $3),
    next_tell_at = null
  where a.id = $1 returning ${ALERT_COLUMNS}`)

/** Someone has taken it up: it is not told again until the all-clear. The first to say so stays named. Throws AlertNotFoundError. */
export async function acknowledgeAlert(
  tx: Tx,
  id: bigint,
  by: { now: Date; actor: Actor; user_id: bigint },
): Promise<Alert> {
  const [before] = await tx.query<Alert>(LOCK, [id])
  const [alert] = before ? await tx.query<Alert>(ACKNOWLEDGE, [id, by.now, by.user_id]) : []
  if (!alert) throw new AlertNotFoundError()
  if (before?.acknowledged_at === null) {
    const subject = { kind: 'alert', id } as const
    recordActs(tx, [{ action: 'alerts.acknowledged', actor: by.actor, subject, after: { kind: alert.kind } }])
  }
  return alert
}
