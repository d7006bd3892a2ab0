import type { Actor } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import { present } from '#server/kit/invariant.ts'
import type { App } from '#server/platform/app.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { emit } from '#server/platform/outbox/emit.ts'
import { ApiKeyNotFoundError, SuspendedByStaffError } from '../errors.ts'
import { apiKeySuspension } from '../events.ts'
import { tellOwner } from '../tell-owner.ts'
import { API_KEY_COLUMNS, type ApiKey, suspensionOf } from './api-key.ts'

const LOCK = statement(`
  select ${API_KEY_COLUMNS} from identity.api_key
  where id = $1 and user_id = $2 and revoked_at is null and (expires_at is null or expires_at > $3) for no key update`)

const REINSTATE = statement(`
  update identity.api_key set suspended_at = null, suspended_by = null, suspended_for = null, suspension_evidence = null, spell = spell + 1
  where id = $1 returning ${API_KEY_COLUMNS}`)

/**
 * Lets a suspended key open doors again, everywhere within a second. What it was suspended for is not held against it again: from now on it is counted anew. One that is not
 * suspended stays as it is. Throws ApiKeyNotFoundError, for another owner's, a revoked and an expired key too; SuspendedByStaffError, when an owner asks for what staff suspended.
 */
export async function reinstateKey(
  app: Pick<App, 'db' | 'clock'>,
  input: { user_id: bigint; key_id: bigint; as: 'owner' | 'staff'; actor: Actor; reason?: string },
): Promise<ApiKey> {
  const { user_id, key_id, actor, reason } = input
  const now = app.clock.now()
  return app.db.transaction(async (tx) => {
    const [key] = await tx.query<ApiKey>(LOCK, [key_id, user_id, now])
    if (!key) throw new ApiKeyNotFoundError()
    if (key.suspended_at === null) return key
    if (key.suspended_by === 'staff' && input.as === 'owner') throw new SuspendedByStaffError()
    const [row] = await tx.query<ApiKey>(REINSTATE, [key_id])
    const subject = { kind: 'api_key', id: key_id }
    const before = suspensionOf(key)
    recordActs(tx, [{ action: 'api-keys.reinstated', actor, subject, before, ...(reason !== undefined && { reason }) }])
    tellOwner(tx, { user_id, kind: 'api_key_reinstated', now, by: actor })
    tellNotSuspended(tx, key, now)
    return present(row, 'a locked key vanished')
  })
}

/** Tells that a key is no longer one that is suspended: it was reinstated, or is at its end. */
export function tellNotSuspended(tx: Tx, key: Pick<ApiKey, 'id' | 'user_id' | 'name' | 'prefix'>, now: Date): void {
  const { id: key_id, user_id, name, prefix } = key
  emit(tx, apiKeySuspension, [{ key_id, user_id, name, prefix, suspended: null, at: now.toISOString() }])
}
