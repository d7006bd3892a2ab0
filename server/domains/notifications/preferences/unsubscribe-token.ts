import { timingSafeEqual } from 'node:crypto'
import type { Secrets } from '#server/platform/secrets/secrets.ts'
import { TOPICS, type Topic } from '../texts/topics.ts'

const CONTEXT = 'notifications.unsubscribe'
/** 128 bits: not to be guessed, and short enough for a header line. */
const MAC_BYTES = 16
const TOKEN = /^(\d{1,19})\.([a-z_]{1,40})\.([\w-]{22})$/

/** Lets whoever has the mail stop mails of this topic to this user, and nothing else. It does not expire: mails are kept for years. */
export function unsubscribeToken(secrets: Secrets, user_id: bigint, topic: Topic): string {
  return `${user_id}.${topic}.${macOf(secrets, `${user_id}.${topic}`).toString('base64url')}`
}

/** What a token is for; undefined when this house did not make it. */
export function readUnsubscribeToken(secrets: Secrets, token: string): { user_id: bigint; topic: Topic } | undefined {
  const [, id, topic, mac] = TOKEN.exec(token) ?? []
  if (id === undefined || topic === undefined || mac === undefined || !Object.hasOwn(TOPICS, topic)) return undefined
  const given = Buffer.from(mac, 'base64url')
  const ours = macOf(secrets, `${id}.${topic}`)
  if (given.length !== ours.length || !timingSafeEqual(given, ours)) return undefined
  return { user_id: BigInt(id), topic: topic as Topic }
}

function macOf(secrets: Secrets, text: string): Buffer {
  return secrets.mac(text, CONTEXT).subarray(0, MAC_BYTES)
}
