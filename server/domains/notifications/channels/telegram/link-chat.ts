import { createHash, randomInt } from 'node:crypto'
import type { Actor } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { notice, tellUsers } from '../../messages/tell-users.ts'
import { plainText } from '../../texts/plain-text.ts'

/** Long enough to fetch a telephone, too short to be found by guessing 60 bits through a bot. */
const CODE_LIFE_MS = 15 * 60_000

/** Without the signs that are taken for one another; 12 of 32 are 60 bits. */
const ALPHABET = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789'
const CODE_CHARS = 12
const CODE = new RegExp(`^[${ALPHABET}]{${CODE_CHARS}}$`)

/** The columns' own limit. */
const CHAT_NAME_MAX = 100

const SAVE_CODE = statement(`
  insert into notifications.telegram_code (user_id, code_hash, expires_at) values ($1, $2, $3)
  on conflict (user_id) do update set code_hash = excluded.code_hash, expires_at = excluded.expires_at`)

/** Makes the one code that links a chat to this user; the one before is void. It is told once, and only its hash is kept. */
export async function makeLinkCode(tx: Tx, user_id: bigint, now: Date): Promise<{ code: string; expires_at: Date }> {
  const code = Array.from({ length: CODE_CHARS }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')
  const expires_at = new Date(now.getTime() + CODE_LIFE_MS)
  await tx.query(SAVE_CODE, [user_id, hashOf(code), expires_at])
  return { code, expires_at }
}

const USE_CODE = statement(`
  delete from notifications.telegram_code where code_hash = $1 and expires_at > $2 returning user_id`)

const LINK = statement(`
  insert into notifications.telegram_chat (user_id, chat_id, chat_name, linked_at) values ($1, $2, $3, $4)
  on conflict (user_id) do update set chat_id = excluded.chat_id, chat_name = excluded.chat_name, linked_at = excluded.linked_at,
    off_reason = null, off_at = null`)

/**
 * Links a chat to the user whose code was said in it, and tells the user of it over all channels: a code that fell into other hands does not go unnoticed. Works once.
 * Answers whose it was; undefined for a code that is none, was used or has expired.
 */
export async function linkChat(
  tx: Tx,
  said: { code: string; chat_id: bigint; chat_name: string },
  now: Date,
): Promise<bigint | undefined> {
  const code = said.code.trim().toUpperCase()
  if (!CODE.test(code)) return undefined
  const [used] = await tx.query<{ user_id: bigint }>(USE_CODE, [hashOf(code), now])
  if (!used) return undefined
  const { user_id } = used
  const chat = Array.from(plainText(said.chat_name))
    .slice(0, CHAT_NAME_MAX / 2)
    .join('')
  await tx.query(LINK, [user_id, said.chat_id, chat, now])
  const at = now.toISOString()
  await tellUsers(tx, now, [
    notice('telegram_linked', {
      key: `telegram_linked:${user_id}:${at}`,
      user_id,
      channels: ['email', 'inbox'],
      data: { at, chat },
    }),
  ])
  const subject = { kind: 'user', id: user_id } as const
  recordActs(tx, [
    { action: 'messages.telegram_linked', actor: { kind: 'user', user_id }, subject, after: { chat_name: chat } },
  ])
  return user_id
}

const UNLINK = statement('delete from notifications.telegram_chat where user_id = $1 returning chat_id')
const VOID_CODE = statement('delete from notifications.telegram_code where user_id = $1')

/** Forgets the user's chat and the code that would link another. Nothing to forget is fine. */
export async function unlinkChat(tx: Tx, user_id: bigint, actor: Actor): Promise<void> {
  await tx.query(VOID_CODE, [user_id])
  const gone = await tx.query(UNLINK, [user_id])
  if (gone.length === 0) return
  recordActs(tx, [{ action: 'messages.telegram_unlinked', actor, subject: { kind: 'user', id: user_id } }])
}

function hashOf(code: string): Buffer {
  return createHash('sha256').update(code).digest()
}
