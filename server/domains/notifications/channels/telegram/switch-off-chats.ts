import { plainArray, textArray } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { notice, tellUsers } from '../../messages/tell-users.ts'

export type ChatOff = 'blocked' | 'stopped' | 'chat_gone'

const SWITCH_OFF = statement(`
  update notifications.telegram_chat t set off_reason = new.reason, off_at = $3
  from (select distinct on (user_id) user_id, reason from unnest($1::bigint[], $2::text[]) as each (user_id, reason)) as new
  where t.user_id = new.user_id and t.off_at is null
  returning t.user_id, t.off_reason`)

/** Switches Telegram off for users whose chat cannot be reached, and tells them over the channels that are left. Once: what is off stays as it is. */
export async function switchOffChats(
  tx: Tx,
  now: Date,
  chats: readonly { user_id: bigint; reason: ChatOff }[],
): Promise<void> {
  if (chats.length === 0) return
  const switched = await tx.query<{ user_id: bigint; off_reason: ChatOff }>(SWITCH_OFF, [
    plainArray(chats.map((chat) => chat.user_id)),
    textArray(chats.map((chat) => chat.reason)),
    now,
  ])
  const at = now.toISOString()
  await tellUsers(
    tx,
    now,
    switched.map(({ user_id, off_reason: reason }) =>
      notice('telegram_off', { key: `telegram_off:${user_id}:${at}`, user_id, data: { reason, at } }),
    ),
  )
}
