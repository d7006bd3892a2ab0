import { type Db, statement } from '#server/platform/db/database.ts'
import { MESSAGE_COLUMNS, type Message, type MessageState, type SentChannel } from './message.ts'

/** A page of messages. */
export const MESSAGES_PAGE_MAX = 100

export interface MessageFilter {
  state?: MessageState | undefined
  channel?: SentChannel | undefined
  kind?: string | undefined
  user_id?: bigint | undefined
  /** Only messages older than the one with this id. */
  before?: bigint | undefined
  limit?: number | undefined
}

const LIST = statement(`
  select ${MESSAGE_COLUMNS} from notifications.message m
  where ($1::text is null or m.state = $1) and ($2::text is null or m.channel = $2) and ($3::text is null or m.kind = $3)
    and ($4::bigint is null or m.user_id = $4) and ($5::bigint is null or m.id < $5)
  order by m.id desc limit $6`)

/** Messages on their way and sent, newest first; one more than asked for when there are more. */
export function listMessages(db: Pick<Db, 'query'>, filter: MessageFilter): Promise<Message[]> {
  const { state, channel, kind, user_id, before, limit = MESSAGES_PAGE_MAX } = filter
  const page = Math.min(limit, MESSAGES_PAGE_MAX) + 1
  return db.query<Message>(LIST, [state ?? null, channel ?? null, kind ?? null, user_id ?? null, before ?? null, page])
}

/** How much waits on a channel that should have left: due, or tried in vain. What waits for the morning does not count. */
export interface Backlog {
  channel: SentChannel
  waiting: number
  oldest_s: number
}

/** Counted so far: more is "many". */
const COUNTED_MAX = 10_000

const BACKLOG = statement(`
  select channel, count(*)::int as waiting, coalesce(extract(epoch from $1 - min(created_at)), 0)::float8 as oldest_s
  from (select channel, created_at from notifications.message where state = 'waiting' and (next_at <= $1 or reason is not null) limit ${COUNTED_MAX}) as counted
  group by channel`)

/** What waits to be sent, by channel; a channel where nothing waits is absent. */
export function backlogs(db: Pick<Db, 'query'>, now: Date): Promise<Backlog[]> {
  return db.query<Backlog>(BACKLOG, [now])
}
