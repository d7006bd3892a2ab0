import { type Db, statement } from '#server/platform/db/database.ts'
import { InboxMessageNotFoundError } from '../messages/errors.ts'

/** A message as its reader finds it. */
export interface InboxMessage {
  id: bigint
  kind: string
  topic: string
  title: string
  body: string
  created_at: Date
  read_at: Date | null
}

/** A page of an inbox. */
export const INBOX_PAGE_MAX = 100

/** Counted so far: more is "many". */
export const UNREAD_COUNTED_MAX = 1_000

const LIST = statement(`
  select id, kind, topic, title, body, created_at, read_at from notifications.inbox
  where user_id = $1 and id < $2 and (not $3::boolean or read_at is null) order by id desc limit $4`)

const UNREAD = statement(`
  select count(*)::int as unread from (
    select from notifications.inbox where user_id = $1 and read_at is null limit ${UNREAD_COUNTED_MAX}) as counted`)

/** A page of the user's inbox, newest first, below the id `before`; how many are unread in all (counted up to UNREAD_COUNTED_MAX); whether more are behind it. */
export async function readInbox(
  db: Pick<Db, 'query'>,
  user_id: bigint,
  page: { before: bigint; unread_only: boolean; limit: number },
): Promise<{ messages: InboxMessage[]; unread: number; has_more: boolean }> {
  const size = Math.min(page.limit, INBOX_PAGE_MAX)
  const [rows, [counted]] = await Promise.all([
    db.query<InboxMessage>(LIST, [user_id, page.before, page.unread_only, size + 1]),
    db.query<{ unread: number }>(UNREAD, [user_id]),
  ])
  return { messages: rows.slice(0, size), unread: counted?.unread ?? 0, has_more: rows.length > size }
}

const MARK_ONE = statement(`
  update notifications.inbox set read_at = coalesce(read_at, $3) where user_id = $1 and id = $2 returning id`)

/** Marks a message as read; once read it stays so. Throws InboxMessageNotFoundError. */
export async function markRead(db: Pick<Db, 'query'>, user_id: bigint, id: bigint, now: Date): Promise<void> {
  const marked = await db.query(MARK_ONE, [user_id, id, now])
  if (marked.length === 0) throw new InboxMessageNotFoundError()
}

const MARK_ALL = statement(`
  update notifications.inbox set read_at = $3 where user_id = $1 and read_at is null and id <= $2`)

/** Marks all messages up to the one of this id as read: one that came while the reader looked stays unread. */
export async function markAllRead(db: Pick<Db, 'query'>, user_id: bigint, up_to: bigint, now: Date): Promise<void> {
  await db.query(MARK_ALL, [user_id, up_to, now])
}

const DELETE = statement('delete from notifications.inbox where user_id = $1 and id = $2 returning id')

/** Deletes a message from the user's inbox. Throws InboxMessageNotFoundError. */
export async function deleteFromInbox(db: Pick<Db, 'query'>, user_id: bigint, id: bigint): Promise<void> {
  const deleted = await db.query(DELETE, [user_id, id])
  if (deleted.length === 0) throw new InboxMessageNotFoundError()
}
