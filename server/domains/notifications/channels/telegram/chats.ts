import { type Db, statement } from '#server/platform/db/database.ts'
import type { ChatOff } from './switch-off-chats.ts'

/** The chat of a user, as its owner sees it. */
export interface LinkedChat {
  chat_name: string
  linked_at: Date
  off_reason: ChatOff | null
  off_at: Date | null
}

const READ = statement(
  'select chat_name, linked_at, off_reason, off_at from notifications.telegram_chat where user_id = $1',
)

/** The chat that is linked to a user, or undefined. */
export async function chatOf(db: Pick<Db, 'query'>, user_id: bigint): Promise<LinkedChat | undefined> {
  return (await db.query<LinkedChat>(READ, [user_id]))[0]
}

const USERS_OF_CHAT = statement(
  'select user_id from notifications.telegram_chat where chat_id = $1 and off_at is null order by user_id limit 100',
)

/** Whose messages go to this chat. */
export async function usersOfChat(db: Pick<Db, 'query'>, chat_id: bigint): Promise<bigint[]> {
  return (await db.query<{ user_id: bigint }>(USERS_OF_CHAT, [chat_id])).map((row) => row.user_id)
}
