import type { Actor } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import { emit } from '#server/platform/outbox/emit.ts'
import { apiKeySuspension } from '../events.ts'

/** What a rule went by, for people to read: what was found in which hour, the most that would have passed, and what was usual. */
export type Evidence = Readonly<Record<'hour' | 'found' | 'most', string>> & { readonly usual: string | null }

/** Why a key is suspended. */
export interface SuspendKey {
  key_id: bigint
  /** Whose it must be. */
  user_id?: bigint
  /** In which spell of its life it was judged: one that was reinstated since is in another. */
  spell?: number
  by: 'rule' | 'staff'
  /** The rule, or what staff wrote; the owner reads it. */
  reason: string
  /** What a rule went by. */
  evidence?: Evidence
  actor: Actor
}

// Of two who would suspend it the second finds it suspended.
const LOCK = statement(`
  select user_id, name, prefix from identity.api_key
  where id = $1 and ($2::bigint is null or user_id = $2) and ($3::smallint is null or spell = $3) and suspended_at is null and revoked_at is null
  for no key update`)

const SUSPEND = statement(`
  update identity.api_key set suspended_at = $2, suspended_by = $3, suspended_for = $4, suspension_evidence = $5::jsonb where id = $1`)

/**
 * Suspends a key, everywhere within a second: it opens nothing until it is reinstated, and nothing becomes of what was done with it. Its owner and staff are told, once. Answers
 * whether it did: not for a key that is suspended, revoked, another owner's, or reinstated since it was judged.
 */
export async function suspendKey(app: Pick<App, 'db' | 'clock'>, input: SuspendKey): Promise<boolean> {
  const { key_id, by, reason, evidence } = input
  const now = app.clock.now()
  return app.db.transaction(async (tx) => {
    const [key] = await tx.query<{ user_id: bigint; name: string; prefix: string }>(LOCK, [
      key_id,
      input.user_id ?? null,
      input.spell ?? null,
    ])
    if (!key) return false
    tx.send(SUSPEND, [key_id, now, by, reason, evidence ? JSON.stringify(evidence) : null])
    const subject = { kind: 'api_key', id: key_id }
    const after = { by, reason, ...(evidence && { evidence }) }
    const said = by === 'staff' ? { reason } : {}
    recordActs(tx, [{ action: 'api-keys.suspended', actor: input.actor, subject, after, ...said }])
    const told = evidence ? `${reason}: ${evidence.found}, at the most ${evidence.most}` : reason
    emit(tx, apiKeySuspension, [{ ...key, key_id, suspended: { by, reason: told }, at: now.toISOString() }])
    return true
  })
}
