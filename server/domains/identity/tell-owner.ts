import type { Actor } from '#server/domains/audit/act.ts'
import type { Tx } from '#server/platform/db/database.ts'
import { emit } from '#server/platform/outbox/emit.ts'
import { type SecurityNotice, type SecurityNoticeKind, securityNotice } from './events.ts'

/** Tells the owner of an account what was done to it, and from where. `email`: where to write, when that is not today's address. */
export function tellOwner(
  tx: Tx,
  input: { user_id: bigint; kind: SecurityNoticeKind; now: Date; by: Partial<Actor>; email?: string },
): void {
  const { user_id, kind, now, by, email } = input
  const { ip, user_agent } = by
  const notice: SecurityNotice = {
    user_id,
    kind,
    at: now.toISOString(),
    ...(email !== undefined && { email }),
    ...(ip !== undefined && { ip }),
    ...(user_agent !== undefined && { user_agent: user_agent.slice(0, USER_AGENT_MAX) }),
  }
  emit(tx, securityNotice, [notice])
}

/** As `SecurityNotice` says. */
const USER_AGENT_MAX = 200
