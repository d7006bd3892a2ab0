import { statement, type Tx } from '#server/platform/db/database.ts'

const END = statement(`
  update identity.session set ended_at = $3
  where user_id = $1 and ended_at is null and expires_at > $3 and id is distinct from $2`)

/** Ends the sessions of a user, everywhere within a second; `but` is the number of one that stays. */
export function endSessions(tx: Tx, input: { user_id: bigint; but?: bigint; now: Date }): void {
  tx.send(END, [input.user_id, input.but ?? null, input.now])
}
