import type { Actor } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { endSessions } from '../sessions/end-sessions.ts'
import { tellOwner } from '../tell-owner.ts'

export interface SetPassword {
  user_id: bigint
  password_hash: string
  now: Date
  by: Actor
  /** Why, where someone else than the user decided it. */
  reason?: string
  /** The session that stays, by its number; all others end. */
  but?: bigint
  /** Whether the user's API keys are revoked too, as after a theft. */
  revoke_api_keys: boolean
}

const SET = statement('update identity.user set password_hash = $2, password_changed_at = $3 where id = $1')

const REVOKE_KEYS = statement('update identity.api_key set revoked_at = $2 where user_id = $1 and revoked_at is null')

// Whoever knew the old password may have asked for them.
const VOID_LINKS = statement(`
  update identity.one_time_link set voided_at = $2
  where user_id = $1 and purpose <> 'confirm_email' and used_at is null and voided_at is null`)

const VOID_CHANGES = statement(`
  update identity.email_change set voided_at = $2 where user_id = $1 and done_at is null and voided_at is null`)

const VOID_CHALLENGES = statement('delete from identity.sign_in_challenge where user_id = $1')

/** Gives a user another password and ends what the old one opened: sessions, sign-ins half done, open links, an open change of address. Tells the owner. */
export function setPassword(tx: Tx, input: SetPassword): void {
  const { user_id, now, by, but, reason } = input
  tx.send(SET, [user_id, input.password_hash, now])
  endSessions(tx, { user_id, now, ...(but !== undefined && { but }) })
  if (input.revoke_api_keys) tx.send(REVOKE_KEYS, [user_id, now])
  tx.send(VOID_LINKS, [user_id, now])
  tx.send(VOID_CHANGES, [user_id, now])
  tx.send(VOID_CHALLENGES, [user_id])
  const subject = { kind: 'user', id: user_id }
  const after = { api_keys_revoked: input.revoke_api_keys }
  recordActs(tx, [{ action: 'passwords.changed', actor: by, subject, after, ...(reason !== undefined && { reason }) }])
  tellOwner(tx, { user_id, kind: 'password_changed', now, by })
}
