import { isTimeZone } from '#server/kit/time-zone.ts'
import { int8Array } from '#server/platform/db/arrays.ts'
import { type Db, statement } from '#server/platform/db/database.ts'
import type { Frequency } from '../texts/topics.ts'
import { type Recipient, TIME_ZONE_DEFAULT } from './recipient.ts'

const READ = statement(`
  select u.id as user_id, u.email, u.locale, u.state, u.time_zone, q.begins as quiet_from, q.ends as quiet_to,
    case when t.off_at is null then t.chat_id end as chat_id,
    (select json_object_agg(p.topic || ':' || p.channel, p.frequency) from notifications.preference p where p.user_id = u.id) as choices
  from identity.user u
  left join notifications.quiet_hours q on q.user_id = u.id
  left join notifications.telegram_chat t on t.user_id = u.id
  where u.id = any($1::bigint[])`)

type Row = Omit<Recipient, 'choices'> & { choices: Record<string, Frequency> | null }

/** How these users want to be told, by id; who is no user is absent. */
export async function readRecipients(
  db: Pick<Db, 'query'>,
  user_ids: readonly bigint[],
): Promise<Map<bigint, Recipient>> {
  const rows = await db.query<Row>(READ, [int8Array([...new Set(user_ids)])])
  return new Map(
    rows.map((row) => {
      // A zone that was renamed away since it was saved must not stop a message.
      const time_zone = isTimeZone(row.time_zone) ? row.time_zone : TIME_ZONE_DEFAULT
      return [row.user_id, { ...row, time_zone, choices: row.choices ?? {} }]
    }),
  )
}
